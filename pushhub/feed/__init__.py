"""What the phone sees and says: feed, opening, receipts."""

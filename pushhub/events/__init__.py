"""What happened, in one order."""

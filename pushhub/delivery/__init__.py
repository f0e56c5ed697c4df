"""How a message gets to a device: outbox, dispatcher, receipts."""

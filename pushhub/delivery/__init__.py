"""A message on its way: outbox, attempts, states. Knows no verification and no notification."""

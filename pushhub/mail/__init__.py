"""Letters of the cabinets, on their way by e-mail."""

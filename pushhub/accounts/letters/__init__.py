"""What accounts write to their owners."""

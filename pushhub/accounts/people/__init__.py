"""Who has an account: registering, users, profile data, events."""

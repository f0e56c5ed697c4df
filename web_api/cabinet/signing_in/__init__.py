"""Signing in: with a password (after too many wrong ones a code opens the way again), or with a code alone."""

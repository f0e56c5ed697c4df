"""Anything other than a code that is sent to a phone."""

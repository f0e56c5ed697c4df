"""Confirmation codes: ask, deliver, check, resend, cancel."""

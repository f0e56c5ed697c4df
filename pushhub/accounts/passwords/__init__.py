"""Passwords: hashing, history, rules, changing them."""

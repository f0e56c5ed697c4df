"""Passwords: hashing, history, rules, made up ones."""

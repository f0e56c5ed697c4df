"""Accounts of the cabinets: who signs in, with what password, from which browsers; and the steps on the way there."""

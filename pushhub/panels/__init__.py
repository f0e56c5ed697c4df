"""Panels: what a product shows in a page of its own to have a number bound or a code confirmed, without its key."""

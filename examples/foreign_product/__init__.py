"""A product of somebody else, on an origin of its own, whose people sign in with their number by the panel."""

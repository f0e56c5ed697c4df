"""The page at `/`: the whole story with a demonstration product, and the mailbox of the simulated mail server."""

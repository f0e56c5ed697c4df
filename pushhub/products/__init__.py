"""Who may ask for codes: products, their API keys and their policies."""

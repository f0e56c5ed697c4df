"""A product's own customers as its cabinet asks for them: who has a contract, and what stands on the account."""

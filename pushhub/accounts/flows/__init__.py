"""Ways of several steps: links, proofs of a number, captcha."""

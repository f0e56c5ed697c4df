"""Ways back into a cabinet: a forgotten password by a code or by a letter, and a lost number by re-registration."""

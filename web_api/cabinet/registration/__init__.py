"""Registration: the pages (`views`), what was typed and who confirms it (`form`), making the account (`making`)."""

"""Who somebody is, as values: phone number, IIN, BIN, e-mail address, what people sign in with. No I/O."""

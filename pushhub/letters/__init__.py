"""Letters: e-mails that a cabinet sends to a person (a link, credentials). Codes go by mail as deliveries, not here."""

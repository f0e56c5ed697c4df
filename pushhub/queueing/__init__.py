"""One lease queue for deliveries, webhooks and mail: claim, lease, retry, batch write, drain, wake."""

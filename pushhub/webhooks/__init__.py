"""What happened, told to the products: events in one order, pushed as signed webhooks or polled."""

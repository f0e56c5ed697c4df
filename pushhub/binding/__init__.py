"""This device is this number: offers (one-time password and QR), devices, bindings, the 30-day rule."""

"""What one product's cabinet is: its profile, read from a TOML file, and the product for which it asks."""

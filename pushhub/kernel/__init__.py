"""What everything else stands on: database, clock, ids, errors, sealing, limits, settings, logs."""

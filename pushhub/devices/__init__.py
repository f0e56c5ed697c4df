"""Devices, their keys and bindings, and whether a number can be reached."""

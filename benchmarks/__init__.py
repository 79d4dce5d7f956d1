"""Measurements of what the package costs; each module is a command of its own."""

"""Ticket trackers behind one interface, one module each."""

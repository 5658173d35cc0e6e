"""Roundup: the tracker, and its database behind the REST interface."""

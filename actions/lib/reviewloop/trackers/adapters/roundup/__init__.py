"""Roundup: its settings, its database behind the REST interface, and the tracker."""

"""Redmine: its settings, the numbers behind its names, and the tracker."""

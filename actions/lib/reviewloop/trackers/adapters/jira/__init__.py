"""Jira: its settings, listings, people, transitions, issues, and the tracker."""

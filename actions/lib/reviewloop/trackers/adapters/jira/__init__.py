"""Jira, in four modules: listings, people, transitions, and the tracker."""

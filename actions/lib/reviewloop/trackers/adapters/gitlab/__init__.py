"""GitLab: the tracker, what it is told, and who is who there."""

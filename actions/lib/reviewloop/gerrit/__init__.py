"""Everything that knows how Gerrit speaks."""

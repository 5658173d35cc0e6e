"""Text made safe for the format that shows it."""

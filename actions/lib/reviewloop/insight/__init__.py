"""What is to be seen of all changes at once: pure functions over readings."""

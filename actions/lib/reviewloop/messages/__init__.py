"""What people read: comments on changes and tickets."""

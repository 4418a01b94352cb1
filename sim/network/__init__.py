"""Links: who receives what, and when."""

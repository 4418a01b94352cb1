"""Acting on the picture: threats, orders, shots; never sees the truth."""

"""Where, how low and how small something can come through, when one would know, and what to buy."""

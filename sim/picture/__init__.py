"""What the picture says of each track: identity."""

"""The defence: it sees the picture, weighs threats and assigns shots to them."""

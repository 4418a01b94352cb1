"""The defence: it sees the picture, weighs threats and assigns shots; it never sees the truth."""

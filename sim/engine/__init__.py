"""Build and step: the only room that knows every other."""

"""Checks of physics and tracker against published numbers."""

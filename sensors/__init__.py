"""Sensors: each kind is a specification and what it observes."""

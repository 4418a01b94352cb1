"""Simulation, tracking and judging of an air picture."""

"""Numba kernels on arrays, and the column tables that pass between rooms."""

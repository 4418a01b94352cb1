"""How good the picture was: OSPA, GOSPA, SIAP, arrivals and warnings."""

"""The world as it is: frames, trajectories, targets, recorded flights."""

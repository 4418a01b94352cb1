"""The tracker: plots in, tracks out."""

from sim.tracking.config import TrackerConfig
from sim.tracking.sensor_models import SensorModels
from sim.tracking.tracker import Rejected, Tracker

__all__ = ["Rejected", "SensorModels", "Tracker", "TrackerConfig"]

"""The tracker: plots in, tracks out."""

from sim.tracking.config import TrackerConfig
from sim.tracking.intake import Rejected
from sim.tracking.models import MotionModel
from sim.tracking.sensor_models import SensorModels
from sim.tracking.tracker import Tracker

__all__ = ["MotionModel", "Rejected", "SensorModels", "Tracker", "TrackerConfig"]

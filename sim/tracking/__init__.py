"""The tracker: plots in, tracks out."""

from typing import TYPE_CHECKING, Any

from sim.tracking.config import TrackerConfig
from sim.tracking.models import MotionModel
from sim.tracking.sensor_models import Poses, SensorModels

if TYPE_CHECKING:
    from sim.tracking.intake import Rejected
    from sim.tracking.tracker import Tracker

__all__ = ["MotionModel", "Poses", "Rejected", "SensorModels", "Tracker", "TrackerConfig"]


def __getattr__(name: str) -> Any:
    """Import what needs compiled kernels only when it is asked for: settings must load fast."""
    if name == "Tracker":
        from sim.tracking.tracker import Tracker

        return Tracker
    if name == "Rejected":
        from sim.tracking.intake import Rejected

        return Rejected
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

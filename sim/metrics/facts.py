"""What a judgement needs to know beside the histories: names, sides, protected things."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.core.tables import Bytes, Floats, Ints, fill_left_out, no_class


@dataclass(frozen=True, slots=True)
class Facts:
    """Targets and sensors of a run, by their index in the histories.

    Attributes
    ----------
    target_ids, target_groups, target_classes : one per target
    affiliation : (N,) ``Affiliation``
    sensor_ids : one per sensor
    sensor_position_enu_m : (S, 3)
    sensor_carrier : (S,) the target that carries it, −1 on the ground; all are on the ground if
        it is left out
    right_class : (N,) the class that is right for each target, as in
        ``TrackHistory.target_class``; empty without classification
    """

    target_ids: tuple[str, ...]
    target_groups: tuple[str, ...]
    target_classes: tuple[str, ...]
    affiliation: Bytes
    sensor_ids: tuple[str, ...]
    sensor_position_enu_m: Floats
    sensor_carrier: Ints = field(default_factory=no_class)

    def __post_init__(self) -> None:
        fill_left_out(self, len(self.sensor_ids), sensor_carrier=-1)

    right_class: Ints = field(default_factory=no_class)


@dataclass(frozen=True, slots=True)
class Corridor:
    """A way in: who comes along it, and what distance all others shall keep.

    Attributes
    ----------
    path_enu_m : (K, 3), K >= 2, ending where the arrivals end
    half_width_m : how far to each side of the path the corridor reaches; no floor or ceiling
    arrivals : indices of the targets that come along it
    separation_horizontal_m, separation_vertical_m : infringed when both are undercut

    Raises
    ------
    ValueError
        If the path has fewer than two points.
    """

    id: str
    path_enu_m: Floats
    half_width_m: float
    arrivals: tuple[int, ...]
    separation_horizontal_m: float
    separation_vertical_m: float

    def __post_init__(self) -> None:
        if self.path_enu_m.ndim != 2 or self.path_enu_m.shape[0] < 2:
            raise ValueError(f"corridor {self.id}: a path needs two points or more")


@dataclass(frozen=True, slots=True)
class Point:
    """A protected place: a cylinder that nothing unknown or hostile shall enter.

    Attributes
    ----------
    position_enu_m : (3,)
    radius_m : horizontal
    ceiling_height_m : above the ellipsoid
    """

    id: str
    position_enu_m: Floats
    radius_m: float
    ceiling_height_m: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line that nothing unknown or hostile shall cross unnoticed: a band along it.

    Attributes
    ----------
    outer_enu_m, inner_enu_m : (C, 3), C >= 2, of each cross-section of the band its two ends
    depth_m : between them

    Raises
    ------
    ValueError
        If the edges differ in length or have fewer than two points.
    """

    id: str
    outer_enu_m: Floats
    inner_enu_m: Floats
    depth_m: float

    def __post_init__(self) -> None:
        if self.outer_enu_m.shape != self.inner_enu_m.shape or len(self.outer_enu_m) < 2:
            raise ValueError(f"line {self.id}: both edges need as many points, two or more")

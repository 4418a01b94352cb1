"""The kinds of sensors: a new one is one file beside this and one line in ``SensorSpec``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import Field

from sensors.radar import RadarSpec

if TYPE_CHECKING:
    import numpy as np

    from sim.core.tables import Bools, Bytes, Floats, Plots, Truth
    from sim.world.truth import Targets

#: A sensor in a scenario, told by its ``kind``; join further kinds with ``|``.
SensorSpec = Annotated[
    RadarSpec,
    Field(discriminator="kind"),
]


class Sensor(Protocol):
    """What the engine and the tracker need of a sensor at its place."""

    @property
    def id(self) -> str:
        """The scenario's word for it."""

    @property
    def index(self) -> int:
        """Its number in the run, as in ``Plots.sensor``."""

    @property
    def site(self) -> str:
        """Where it stands."""

    @property
    def origin_enu_m(self) -> Floats:
        """(3,) its place in the scenario's frame."""

    @property
    def enu_R_sensor(self) -> Floats:
        """(3, 3) columns are its local east, north, up in the scenario's frame."""

    @property
    def period_s(self) -> float:
        """Time between two looks in the same direction."""

    @property
    def measures(self) -> Bools:
        """(4,) which components of ``Plots.measurement`` it gives."""

    @property
    def clutter_density(self) -> float:
        """Expected false alarms of one look per unit of the measured components."""

    @property
    def range_max_m(self) -> float:
        """Instrumented range."""

    @property
    def interrogates(self) -> bool:
        """Whether its plots carry what a transponder replied."""

    def observe(
        self, targets: Targets, start: Truth, end: Truth, rng: np.random.Generator
    ) -> Plots:
        """Return the plots of start.time_s < time_s <= end.time_s."""

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return (N,) single-look detection probability now and (N,) ``Visibility``."""

    def beam_azimuth_rad(self, time_s: float) -> float:
        """Return where the beam looks, in [0, 2π); NaN if it does not turn."""

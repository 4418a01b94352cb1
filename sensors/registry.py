"""The kinds of sensors: a new one is one file beside this and one line in ``SensorSpec``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import Field

from sensors.acoustic import AcousticSpec
from sensors.array_radar_spec import ArrayRadarSpec
from sensors.camera_spec import CameraSpec, InfraredSpec
from sensors.cooperative import AdsBSpec, RemoteIdSpec
from sensors.passive_radar_spec import PassiveRadarSpec
from sensors.radar_spec import RadarSpec
from sensors.rf import DirectionFinderSpec
from sensors.secondary_radar import SecondaryRadarSpec
from sensors.time_difference import TimeDifferenceSpec

if TYPE_CHECKING:
    import numpy as np

    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bools, Bytes, Floats, Measured, Plots, Truth
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

#: A sensor in a scenario, told by its ``kind``; join further kinds with ``|``.
SensorSpec = Annotated[
    RadarSpec
    | ArrayRadarSpec
    | PassiveRadarSpec
    | SecondaryRadarSpec
    | AcousticSpec
    | DirectionFinderSpec
    | TimeDifferenceSpec
    | CameraSpec
    | InfraredSpec
    | AdsBSpec
    | RemoteIdSpec,
    Field(discriminator="kind"),
]


def build_sensors(spec: SensorSpec, mount: Mount, surroundings: Surroundings) -> tuple[Sensor, ...]:
    """Return the sensors that one specification asks for, numbered on from ``mount.index``."""
    several: Any = spec
    if hasattr(spec, "build_all"):
        return tuple(several.build_all(mount, surroundings))
    built = several.build(mount, surroundings)
    return built if isinstance(built, tuple) else (built,)


def ids_of(spec: SensorSpec) -> tuple[str, ...]:
    """Return the ids of the sensors that one specification asks for."""
    ids: tuple[str, ...] = getattr(spec, "sensor_ids", (spec.id,))
    return ids


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
    def measured(self) -> Measured:
        """What these components are."""

    @property
    def clutter_density(self) -> float:
        """Expected false alarms of one look per unit of the measured components."""

    @property
    def range_max_m(self) -> float:
        """Instrumented range."""

    @property
    def range_min_m(self) -> float:
        """Nearest slant range."""

    @property
    def elevation_rad(self) -> Floats:
        """(2,) lowest and highest elevation."""

    @property
    def sector_rad(self) -> Floats:
        """(2,) azimuth of the middle of what it looks at, and half the width."""

    @property
    def rotates(self) -> bool:
        """Whether its beam comes by once a period; else a look is everywhere at once."""

    @property
    def resolution(self) -> Floats:
        """(4,) cell of the components of ``Plots.measurement``; NaN where it has none."""

    @property
    def false_alarm_probability(self) -> float:
        """In one resolution cell and look; NaN if it has no such thing."""

    def snr_range_m(self, rcs_m2: float) -> float:
        """Return the range at which one pulse on such a target has an SNR of 1.

        Of a dwell of several pulses, that of the one pulse that would be detected as often;
        NaN if echoes are not what it detects.
        """

    @property
    def snr_reference_db(self) -> float:
        """SNR of a dwell on 1 m² at 1 km; NaN if echoes are not what it detects."""

    @property
    def snr_least_db(self) -> float:
        """SNR of the weakest dwell that makes a plot; NaN if echoes are not what it detects."""

    @property
    def horizon(self) -> bool:
        """Whether the earth hides low targets from it."""

    @property
    def listens(self) -> bool:
        """Whether its silence says nothing of a target: it hears only what targets send or sound,
        or may look elsewhere."""

    @property
    def other_enu_m(self) -> Floats:
        """(3,) place of the transmitter or the second receiver, if ``measured`` has one."""

    @property
    def interrogates(self) -> bool:
        """Whether its plots carry what a transponder replied."""

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the scene's window, start excluded, end included."""

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return (N,) single-look detection probability now and (N,) ``Visibility``."""

    def beam_azimuth_rad(self, time_s: float) -> float:
        """Return where the beam looks, in [0, 2π); NaN if it does not turn."""

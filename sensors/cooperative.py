"""Receivers of positions that targets report of themselves: ADS-B and Remote ID.

``docs/sensors/cooperative.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.emissions import emissions
from sensors.gnss import reported_position
from sensors.link import Receiver
from sensors.listener import ALL_ELEVATIONS_RAD, Listener
from sensors.presets import require_own_keys_only, with_preset
from sensors.sight import Sight
from sim.core.tables import FALSE_ALARM, Measured, Plots, Reply, Truth, Visibility
from sim.world.spec import Identifier, Spec

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bools, Bytes, Floats, Ints
    from sim.world.signatures import Signatures
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

#: Bounds (m) that hold 95 % of errors, horizontal and vertical, by accuracy category: NACp of
#: RTCA DO-260B for the first; for the second DO-260A from 9 on, 150 m (GVA 1) below.
NACP_BOUNDS_M = {
    5: (926.0, 150.0),
    6: (555.6, 150.0),
    7: (185.2, 150.0),
    8: (92.6, 150.0),
    9: (30.0, 45.0),
    10: (10.0, 15.0),
    11: (3.0, 4.0),
}
_BOUNDS_M = np.array(list(NACP_BOUNDS_M.values()))
#: A circle of this many standard deviations holds 95 % of a two-dimensional normal error,
#: √(−2 ln 0.05); an interval of so many 95 % of a one-dimensional one.
CIRCLE_95 = float(np.sqrt(-2.0 * np.log(0.05)))
INTERVAL_95 = 1.959964
#: Reports that nobody sent: parity and format checks let almost none through.
_FALSE_REPORTS_PER_LOOK = 1e-6
_AIRSPACE_HEIGHT_M = 20e3


class _ReportSpec(Spec):
    """The keys that receivers of reports share; a preset, values of its own, or both."""

    model_config = ConfigDict(json_schema_extra=require_own_keys_only)

    presets: ClassVar[str]
    preset: str | None = None

    frequency_ghz: Annotated[float, Field(gt=0.01, le=300)]
    power_dbm: Annotated[float, Field(ge=-30, le=90)]
    sensitivity_dbm: Annotated[float, Field(ge=-150, le=0)]
    gain_db: Annotated[float, Field(ge=-20, le=60)] = 0.0
    two_ray: bool = False
    reception_probability: Annotated[float, Field(gt=0, le=1)]
    update_s: Annotated[float, Field(ge=0.05, le=3600)]
    jitter: Annotated[float, Field(ge=0, lt=1)]
    range_max_km: Annotated[float, Field(gt=0, le=1000)]

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        return with_preset(given, cls, cls.presets, {})

    def _shared(self, mount: Mount, surroundings: Surroundings) -> dict[str, Any]:
        range_max_m = self.range_max_km * 1e3
        volume_m3 = np.pi * range_max_m**2 * _AIRSPACE_HEIGHT_M
        return {
            "index": mount.index,
            "site": mount.site,
            "sight": Sight.over(surroundings, mount.position_enu_m, 1e3 * self.range_max_km),
            "period_s": self.update_s,
            "range_limits_m": np.array([0.0, range_max_m]),
            "elevation_rad": ALL_ELEVATIONS_RAD,
            "measures": np.array([True, True, True, False]),
            "clutter_density": _FALSE_REPORTS_PER_LOOK / volume_m3,
            # A message passes a parity check: what is taken for one was almost surely sent.
            "receiver": Receiver(self.sensitivity_dbm, self.gain_db, 1e-6, 1, self.two_ray),
            "power_dbm": self.power_dbm,
            "frequency_hz": self.frequency_ghz * 1e9,
            "reception_probability": self.reception_probability,
            "jitter": self.jitter,
            "surroundings": surroundings,
        }


class AdsBSpec(_ReportSpec):
    """A receiver of ADS-B as a scenario names it."""

    presets: ClassVar[str] = "ads-b"
    kind: Literal["ads-b"]
    id: Identifier

    def build(self, mount: Mount, surroundings: Surroundings) -> AdsB:
        """Return the receiver at its place."""
        return AdsB(id=self.id, **self._shared(mount, surroundings))


class RemoteIdSpec(_ReportSpec):
    """A receiver of drones' Remote ID as a scenario names it."""

    presets: ClassVar[str] = "remote-id"
    kind: Literal["remote-id"]
    id: Identifier

    accuracy_m: Annotated[float, Field(gt=0, le=1000)]
    vertical_accuracy_m: Annotated[float, Field(gt=0, le=1000)]

    def build(self, mount: Mount, surroundings: Surroundings) -> RemoteId:
        """Return the receiver at its place."""
        return RemoteId(
            id=self.id,
            bounds_m=(self.accuracy_m, self.vertical_accuracy_m),
            **self._shared(mount, surroundings),
        )


def report_sigma_m(bounds_m: Floats) -> Floats:
    """Return sigmas (K, 3) east, north and up of bounds (K, 2) that hold 95 % of errors."""
    horizontal = bounds_m[:, 0] / CIRCLE_95
    return np.stack([horizontal, horizontal, bounds_m[:, 1] / INTERVAL_95], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _ReportReceiver(Listener):
    """A receiver of reported positions at its place, in SI units.

    Attributes
    ----------
    receiver : its sensitivity
    power_dbm, frequency_hz : of the transmitters
    reception_probability : that a message which is strong enough is not lost to others
    jitter : of the reports' times, in periods
    surroundings : where targets' own navigation may be attacked
    """

    receiver: Receiver
    power_dbm: float
    frequency_hz: float
    reception_probability: float
    jitter: float
    surroundings: Surroundings

    @property
    def measured(self) -> Measured:
        """Positions."""
        return Measured.POSITION

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the reports of the window, start excluded, end included, in order of time.

        Those that lie about the place, or were led astray, are of no target: ``truth_id`` is
        ``FALSE_ALARM``.
        """
        targets, signatures = scene.targets, scene.targets.signatures
        tells = self._tells(signatures)
        ghosts = np.flatnonzero(tells & signatures.ghost).astype(np.int32)
        real = self._in_reach(scene, tells & ~signatures.ghost, self.range_max_m)
        rows = np.concatenate([real, ghosts])
        time_s, target = emissions(
            rows, scene.start.time_s, scene.end.time_s, self.period_s, self.jitter
        )
        position, velocity = targets.at(time_s, target)
        snr, code = self._receive(position, velocity)
        heard, measured_snr = self.receiver.draw(snr, rng)
        heard &= code == Visibility.VISIBLE
        heard &= rng.random(target.size) < self.reception_probability
        told = reported_position(position, time_s, target, targets, self.surroundings)
        heard &= ~np.isnan(told[:, 0])  # who does not know where it is does not tell
        target, position, told = target[heard], position[heard], told[heard]
        offset = told - position + self._offset_m(signatures)[target]
        local = (position + offset - self.origin_enu_m) @ self.enu_R_sensor
        errors = report_sigma_m(self._bounds_m(signatures, target))
        measurement, sigma = np.full((target.size, 4), np.nan), np.full((target.size, 4), np.nan)
        measurement[:, :3] = local + errors * rng.standard_normal(errors.shape)
        sigma[:, :3] = errors
        false = signatures.ghost[target] | (offset != 0.0).any(axis=1)
        # A military address names no civil aircraft, and anybody could send it.
        civil = signatures.reply[target] != Reply.MILITARY
        return Plots(
            time_s=time_s[heard],
            sensor=np.full(target.size, self.index, np.int32),
            measurement=measurement,
            sigma=sigma,
            snr_db=10.0 * np.log10(measured_snr[heard]),
            reply=np.where(civil, Reply.CIVIL, Reply.NONE).astype(np.uint8),
            truth_id=np.where(false, FALSE_ALARM, target).astype(np.int32),
        )

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how probably each target's report is received now; one that lies is SILENT.

        Returns
        -------
        pd : (N,) probability that one report is received
        code : (N,) ``Visibility``
        """
        snr, code = self._receive(truth.position_enu_m, truth.velocity_enu_mps)
        told = self._told(targets, truth)
        true: Bools = self._tells(targets.signatures) & (told == truth.position_enu_m).all(axis=1)
        code[truth.present & ~true] = Visibility.SILENT
        pd = np.zeros(len(truth))
        rows = np.flatnonzero(code == Visibility.VISIBLE)
        pd[rows] = self.reception_probability * self.receiver.pd(snr[rows])
        code[rows[pd[rows] < 0.5 * self.reception_probability]] = Visibility.WEAK_ECHO
        return pd, code

    def misled(self, targets: Targets, truth: Truth) -> Bools:
        """Return (N,) whose reports say that they are elsewhere."""
        told = self._told(targets, truth)
        signatures = targets.signatures
        aside: Bools = (told != truth.position_enu_m).any(axis=1) & ~np.isnan(told[:, 0])
        return aside & self._tells(signatures) & ~signatures.ghost & truth.present

    def _told(self, targets: Targets, truth: Truth) -> Floats:
        """Return where targets (N, 3) would say that they are; NaN where they do not know."""
        now_s, row = np.full(len(truth), truth.time_s), np.arange(len(truth), dtype=np.int32)
        believed = reported_position(truth.position_enu_m, now_s, row, targets, self.surroundings)
        return believed + self._offset_m(targets.signatures)

    def _receive(self, position: Floats, velocity: Floats) -> tuple[Floats, Bytes]:
        """Return the SNR (K,) of messages sent from places, and the places' codes."""
        polar, code = self._locate(position, velocity)
        snr = np.zeros(len(position))
        rows = code == Visibility.VISIBLE
        snr[rows] = self.receiver.snr(
            self.power_dbm,
            self.frequency_hz,
            polar[rows, 0],
            self.sight.mast_m,
            self.sight.target_height_m(polar[rows]),
        )
        return snr, code

    def _tells(self, signatures: Signatures) -> Bools:
        """Tell (N,) who sends such reports."""
        raise NotImplementedError

    def _offset_m(self, signatures: Signatures) -> Floats:
        """Return how far beside the truth reports lie, (N, 3)."""
        raise NotImplementedError

    def _bounds_m(self, signatures: Signatures, target: Ints) -> Floats:
        """Return the bounds of accuracy (K, 2), horizontal and vertical."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdsB(_ReportReceiver):
    """A receiver of ADS-B at its place; see ``sensors.registry.Sensor``."""

    def _tells(self, signatures: Signatures) -> Bools:
        tells: Bools = signatures.ads_b_nacp > 0
        return tells

    def _offset_m(self, signatures: Signatures) -> Floats:
        return signatures.ads_b_offset_enu_m

    def _bounds_m(self, signatures: Signatures, target: Ints) -> Floats:
        worst, best = min(NACP_BOUNDS_M), max(NACP_BOUNDS_M)
        bounds_m: Floats = _BOUNDS_M[np.clip(signatures.ads_b_nacp[target], worst, best) - worst]
        return bounds_m


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RemoteId(_ReportReceiver):
    """A receiver of Remote ID at its place; see ``sensors.registry.Sensor``.

    ``bounds_m`` holds 95 % of the errors of drones' positions, horizontal and vertical.
    """

    bounds_m: tuple[float, float]

    def _tells(self, signatures: Signatures) -> Bools:
        return signatures.remote_id

    def _offset_m(self, signatures: Signatures) -> Floats:
        return signatures.remote_id_offset_enu_m

    def _bounds_m(self, signatures: Signatures, target: Ints) -> Floats:
        return np.tile(self.bounds_m, (target.size, 1))

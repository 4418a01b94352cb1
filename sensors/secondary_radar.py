"""A secondary radar: it asks, and transponders answer. Specification and model.

``docs/sensors/secondary-radar.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from sensors.listener import Listener
from sensors.presets import require_own_keys_only, with_preset
from sensors.scanning import Rotation
from sensors.sight import Sight
from sim.core.tables import FALSE_ALARM, Plots, Reply, Truth, Visibility
from sim.world.spec import Identifier, Spec

if TYPE_CHECKING:
    from sensors.mount import Mount
    from sensors.scene import Scene
    from sim.core.tables import Bools, Bytes, Floats, Ints
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets

Positive = Annotated[float, Field(gt=0)]


class SecondaryRadarSpec(Spec):
    """A secondary radar as a scenario names it: a preset, values of its own, or both."""

    model_config = ConfigDict(json_schema_extra=require_own_keys_only)

    kind: Literal["secondary-radar"]
    id: Identifier
    preset: str | None = None

    rate_rpm: Annotated[float, Field(gt=0, le=600)]
    first_azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = 0.0
    beamwidth_deg: Annotated[float, Field(gt=0, le=180)]
    range_min_km: Annotated[float, Field(ge=0)]
    range_max_km: Annotated[float, Field(gt=0, le=1000)]
    elevation_max_deg: Annotated[float, Field(gt=0, le=90)]
    reply_probability: Annotated[float, Field(gt=0, le=1)]
    reply_length_us: Positive
    degarbled: Annotated[float, Field(ge=0, le=1)]
    range_sigma_m: Positive
    azimuth_sigma_deg: Positive
    false_replies_per_turn: Annotated[float, Field(gt=0, le=1000)]

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        return with_preset(given, cls, "secondary-radar", {})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.range_min_km >= self.range_max_km:
            raise ValueError(
                f"range_min_km ({self.range_min_km:g}) must be below "
                f"range_max_km ({self.range_max_km:g})"
            )
        return self

    def build(self, mount: Mount, surroundings: Surroundings) -> SecondaryRadar:
        """Return the secondary radar at its place."""
        beamwidth = float(np.radians(self.beamwidth_deg))
        first_azimuth = float(np.radians(self.first_azimuth_deg))
        limits = np.array([self.range_min_km, self.range_max_km]) * 1e3
        area = float(limits[1] - limits[0]) * 2.0 * np.pi
        reply_m = 0.5e-6 * self.reply_length_us * 299_792_458.0
        return SecondaryRadar(
            id=self.id,
            index=mount.index,
            site=mount.site,
            sight=Sight.over(surroundings, mount.position_enu_m, 1e3 * self.range_max_km),
            period_s=60.0 / self.rate_rpm,
            range_limits_m=limits,
            elevation_rad=np.array([-0.5 * np.pi, np.radians(self.elevation_max_deg)]),
            measures=np.array([True, True, False, False]),
            clutter_density=self.false_replies_per_turn / area,
            scan=Rotation(60.0 / self.rate_rpm, first_azimuth, beamwidth),
            reply_probability=self.reply_probability,
            garble=np.array([reply_m, beamwidth, np.nan, np.nan]),
            degarbled=self.degarbled,
            sigma=np.array(
                [self.range_sigma_m, np.radians(self.azimuth_sigma_deg), np.nan, np.nan]
            ),
            false_replies_per_turn=self.false_replies_per_turn,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecondaryRadar(Listener):
    """A secondary radar at its place, in SI units; see ``sensors.registry.Sensor``.

    Attributes
    ----------
    reply_probability : that a transponder's answers of one pass of the beam make a plot
    garble : (4,) half a reply's length in range, and the beam: answers nearer than this overlap
    degarbled : probability that overlapping answers are told apart
    sigma : (4,) of range and azimuth
    """

    scan: Rotation
    reply_probability: float
    garble: Floats
    degarbled: float
    sigma: Floats
    false_replies_per_turn: float

    @property
    def rotates(self) -> bool:
        """Its beam turns."""
        return True

    @property
    def interrogates(self) -> bool:
        """Each plot is an answer."""
        return True

    def beam_azimuth_rad(self, time_s: float) -> float:
        """Return where the beam looks, in [0, 2π)."""
        return self.scan.azimuth_rad(time_s)

    def observe(self, scene: Scene, rng: np.random.Generator) -> Plots:
        """Return the plots of the window, start excluded, end included, in order of time."""
        targets, start, end = scene.targets, scene.start, scene.end
        looks = self.scan.looks(targets, start, end, self.origin_enu_m, self.enu_R_sensor)
        reply = targets.signatures.reply
        polar, code = self._locate(looks.position_enu_m, looks.velocity_enu_mps)
        answers = (code == Visibility.VISIBLE) & (reply[looks.target] != Reply.NONE)
        polar, time_s, target = polar[answers], looks.time_s[answers], looks.target[answers]
        chance = self._chance(polar, time_s)
        found = looks.due[answers] & (rng.random(target.size) < chance)
        found = np.flatnonzero(found)
        noise = rng.standard_normal((found.size, 4))
        plots = self._plots(
            time_s[found], polar[found] + noise * self.sigma, reply[target[found]], target[found]
        )
        turns = self.scan.turns(start.time_s, end.time_s)
        alarms = int(rng.poisson(turns * self.false_replies_per_turn))
        if alarms:
            plots = Plots.concatenate([plots, self._false_replies(alarms, start, end, rng)])
        return plots.take(np.argsort(plots.time_s, kind="stable"))

    def visibility(self, targets: Targets, truth: Truth) -> tuple[Floats, Bytes]:
        """Return how probably each target answers by one pass of the beam.

        Returns
        -------
        pd : (N,) probability of a plot
        code : (N,) ``Visibility``; UNRESOLVED is garbled more often than not
        """
        polar, code = self._locate(truth.position_enu_m, truth.velocity_enu_mps)
        code[truth.present & (targets.signatures.reply == Reply.NONE)] = Visibility.SILENT
        pd = np.zeros(len(truth))
        rows = np.flatnonzero(code == Visibility.VISIBLE)
        pd[rows] = self.reply_probability
        garbled = self._garbled(polar[rows], np.zeros(rows.size))
        if self.degarbled < 0.5:
            code[rows[garbled]] = Visibility.UNRESOLVED
        return pd, code

    def _chance(self, polar: Floats, time_s: Floats) -> Floats:
        """Return how probably each answer (K,) becomes a plot."""
        garbled = self._garbled(polar, time_s)
        chance: Floats = self.reply_probability * np.where(garbled, self.degarbled, 1.0)
        return chance

    def _garbled(self, polar: Floats, time_s: Floats) -> Bools:
        """Tell which answers (K,) overlap with another's in the same pass."""
        from sensors.resolution import shared_cells  # numba: only where it runs

        group, _ = shared_cells(
            np.ascontiguousarray(polar), np.ascontiguousarray(time_s), self.garble,
            0.5 * self.period_s,
        )  # fmt: skip
        garbled: Bools = np.bincount(group, minlength=group.size)[group] > 1
        return garbled

    def _false_replies(
        self, size: int, start: Truth, end: Truth, rng: np.random.Generator
    ) -> Plots:
        time_s, azimuth = self.scan.draw_looks(size, start.time_s, end.time_s, rng)
        place = np.full((size, 4), np.nan)
        place[:, 0] = rng.uniform(self.range_limits_m[0], self.range_limits_m[1], size)
        place[:, 1] = azimuth
        none = np.full(size, FALSE_ALARM, np.int32)
        return self._plots(time_s, place, np.full(size, Reply.CIVIL, np.uint8), none)

    def _plots(self, time_s: Floats, place: Floats, reply: Bytes, truth_id: Ints) -> Plots:
        measurement = np.where(self.measures, place, np.nan)
        measurement[:, 0] = np.abs(measurement[:, 0])
        measurement[:, 1] %= 2.0 * np.pi
        return Plots(
            time_s=time_s,
            sensor=np.full(time_s.size, self.index, np.int32),
            measurement=measurement,
            sigma=np.tile(self.sigma, (time_s.size, 1)),
            snr_db=np.full(time_s.size, np.nan),
            reply=reply.astype(np.uint8),
            truth_id=truth_id.astype(np.int32),
        )

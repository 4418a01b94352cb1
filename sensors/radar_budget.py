"""What stands against a radar's echo besides its range: tabulated once, at build.

Echo, clutter and rain go through the same pulses and filters, so all are told as power
against the noise of one integrated pulse, before (``surface``, ``rain``) and after filters.
Where several pulse rates share a dwell, each has its own row.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sensors.antenna import off_face_rad
from sensors.clutter import (
    rain_clutter_rcs_m2,
    rain_spread_mps,
    surface_clutter_rcs_m2,
    surface_spread_mps,
)
from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.filters import Filters
from sensors.folded import FoldedRanges
from sensors.relief_clutter import relief_clutter
from sensors.surface import EFFECTIVE_CURVATURE_PER_M
from sensors.way import Way

if TYPE_CHECKING:
    from sensors.antenna import Antenna
    from sensors.radar_spec import PulseSpec
    from sensors.scanning import Scan
    from sensors.sight import Sight
    from sim.core.tables import Floats
    from sim.world.environment import Environment

#: Rows of the tables over elevation (−90° to 90°), azimuth (a turn).
_ELEVATIONS, _AZIMUTHS = 1801, 361
#: Lands beside a beam: half power both ways is narrower than one way by this.
_TWO_WAY = 2.0**-0.5


class Budget(NamedTuple):
    """Arrays for ``sensors.echoes``; powers are linear, gains against the beam's centre.

    Attributes
    ----------
    way : what air and ground do to a wave, one way
    elevation_gain : (3, E) two ways towards a target; of the bounced against the direct
        wave, voltage, one way; two ways towards the ground while the beam is at a target
    azimuth_gain : (A,) two ways, what scanning off a face's broadside leaves
    unambiguous_m : (P,) range that each pulse rate tells apart
    pulse_m : half a pulse's length
    surface, rain : (S · P, B) in sectors of azimuth, one over smooth ground, and (P, B): power
        over range folded by each pulse rate; columns go by the root
    cycles_per_mps : (P,) turns of phase from pulse to pulse per m/s
    response, surface_left, rain_left : (P, D) by phase: what filters leave of an echo; of the
        ground; of rain, both in the filter of that phase
    bank : whether an echo picks the filter
    filter_mps : (P,) width of a filter, infinite without
    wind : (2,) speed of the wind, and azimuth that it blows from
    ghosts : whether what too few pulse rates see is reported, where and as fast as it seems
    range_rate_max_mps : what all pulse rates together tell apart, infinite if not measured
    """

    way: Way
    elevation_gain: Floats
    azimuth_gain: Floats
    unambiguous_m: Floats
    pulse_m: float
    surface: Floats
    rain: Floats
    cycles_per_mps: Floats
    response: Floats
    surface_left: Floats
    rain_left: Floats
    bank: bool
    filter_mps: Floats
    wind: Floats
    ghosts: bool
    range_rate_max_mps: float

    def in_free_space(self) -> Budget:
        """Return the budget without air, ground, clutter and filters: the equation alone."""
        return self.in_clear_air()._replace(
            way=self.way.in_vacuum(),
            elevation_gain=np.ones_like(self.elevation_gain),
            azimuth_gain=np.ones_like(self.azimuth_gain),
        )

    def in_clear_air(self) -> Budget:
        """Return the budget without ground, clutter and blind zones: air and beam remain."""
        return self._replace(
            way=self.way.in_air(),
            surface=np.zeros_like(self.surface),
            rain=np.zeros_like(self.rain),
            pulse_m=0.0,
            response=np.ones_like(self.response),
        )


def budget_of(
    spec: PulseSpec,
    snr_of_unit_echo: float,
    scan: Scan,
    sight: Sight,
    environment: Environment,
) -> Budget:
    """Return the budget of a radar at a place.

    Parameters
    ----------
    snr_of_unit_echo : SNR of 1 m² at 1 m in the beam's centre, in a vacuum
    """
    turns = not np.isnan(scan.azimuth_rad(0.0))
    middle, half = scan.sector_rad
    budget = _budget(
        spec.model_copy(update={"id": "any"}),  # what else differs in nothing shares its tables
        snr_of_unit_echo,
        scan.period_s if turns else 0.0,
        (float(middle), float(half)),
        round(sight.height_m, 1),
        environment,
    )
    way = budget.way.begun_at(sight)
    if not (sight.smooth or sight.ground_m.size):  # relief without a map: nothing mirrors
        way = way.in_air()
    budget = budget._replace(way=way)
    if not sight.ground_m.size:
        return budget
    return budget._replace(surface=_surface_of_relief(spec, snr_of_unit_echo, sight, environment))


def _surface_of_relief(
    spec: PulseSpec, snr_of_unit_echo: float, sight: Sight, environment: Environment
) -> Floats:
    """Return the table ``Budget.surface`` where relief hides some of the ground."""
    frequency_hz, vertical = spec.frequency_ghz * 1e9, spec.polarisation == "vertical"
    way = Way.over(environment, frequency_hz, vertical)
    beamwidth_rad, cell_m = _TWO_WAY * spec.antenna().beamwidth_rad, spec.range_resolution_m
    where = (sight, environment, frequency_hz, beamwidth_rad, cell_m, vertical)
    range_m, rcs_m2 = relief_clutter(*where)
    return _ranges(spec, way.wavelength_m).folded_means(
        range_m, _power(snr_of_unit_echo, rcs_m2, range_m, way)
    )


def _ranges(spec: PulseSpec, wavelength_m: float) -> FoldedRanges:
    # How long a turn takes changes filters, not what ranges they tell apart.
    unambiguous_m = Filters.of(spec, wavelength_m, 0.0).unambiguous_m
    return FoldedRanges(unambiguous_m, 1e3 * spec.range_max_km)


def _power(snr_of_unit_echo: float, rcs_m2: Floats, range_m: Floats, way: Way) -> Floats:
    """Return what clutter brings against noise, the air at the ground on the way."""
    loss_db = 2.0 * range_m * (way.gas_db_per_m[0] + way.rain_db_per_m)
    power: Floats = snr_of_unit_echo * rcs_m2 / range_m**4 * 10.0 ** (-0.1 * loss_db)
    return power


@lru_cache(maxsize=256)
def _budget(
    spec: PulseSpec,
    snr_of_unit_echo: float,
    turn_s: float,
    sector_rad: tuple[float, float],
    height_m: float,
    environment: Environment,
) -> Budget:
    """Return the budget of a radar so high above the ground.

    Parameters
    ----------
    turn_s : time of a turn, 0 for one that does not turn
    sector_rad : azimuth of the middle, and half the width
    """
    frequency_hz = spec.frequency_ghz * 1e9
    vertical = spec.polarisation == "vertical"
    antenna = spec.antenna()
    way = Way.over(environment, frequency_hz, vertical)
    filters = Filters.of(spec, way.wavelength_m, turn_s)
    pulse_m = 0.5e-6 * SPEED_OF_LIGHT_MPS * spec.pulse_width_us if spec.prf_hz else 0.0
    ranges = _ranges(spec, way.wavelength_m)

    def surface(range_m: Floats) -> Floats:
        rcs_m2 = surface_clutter_rcs_m2(
            environment,
            range_m,
            height_m,
            frequency_hz,
            _TWO_WAY * antenna.beamwidth_rad,
            spec.range_resolution_m,
            vertical,
        )
        return _power(snr_of_unit_echo, rcs_m2, range_m, way)

    def rain(range_m: Floats) -> Floats:
        # The beam is taken as level: its height grows with the earth's curvature alone.
        centre_m = height_m + 0.5 * EFFECTIVE_CURVATURE_PER_M * range_m**2
        half_m = 0.5 * antenna.elevation_beamwidth_rad * range_m
        low_m = np.maximum(centre_m - half_m, 0.0)
        top_m = np.maximum(centre_m + half_m, low_m + 1.0)
        filled = np.clip((way.rain_top_m - low_m) / (top_m - low_m), 0.0, 1.0)
        rcs_m2 = rain_clutter_rcs_m2(
            environment.rain_mm_per_h,
            range_m,
            frequency_hz,
            _TWO_WAY * antenna.beamwidth_rad,
            _TWO_WAY * antenna.elevation_beamwidth_rad,
            spec.range_resolution_m,
            filled,
        )
        return _power(snr_of_unit_echo, rcs_m2, range_m, way)

    rain_mps = float(rain_spread_mps(20e3, antenna.elevation_beamwidth_rad))
    return Budget(
        way=way,
        elevation_gain=_elevation_gain(antenna),
        azimuth_gain=_azimuth_gain(antenna, turn_s, sector_rad),
        unambiguous_m=filters.unambiguous_m,
        pulse_m=pulse_m,
        surface=ranges.folded(surface),
        rain=ranges.folded(rain) if environment.rain_mm_per_h > 0.0 else ranges.none(),
        cycles_per_mps=filters.cycles_per_mps,
        response=filters.response(),
        surface_left=filters.left(surface_spread_mps(environment)),
        rain_left=filters.left(rain_mps),
        bank=filters.bank,
        filter_mps=filters.filter_mps,
        wind=np.array([environment.wind_mps, np.radians(environment.wind_from_deg)]),
        ghosts=spec.ghosts,
        range_rate_max_mps=spec.range_rate_max_mps or np.inf,
    )


def _elevation_gain(antenna: Antenna) -> Floats:
    """Return the table ``Budget.elevation_gain``."""
    look = np.linspace(-0.5 * np.pi, 0.5 * np.pi, _ELEVATIONS)
    centre = antenna.centre_rad(look)
    scanned = antenna.scan_loss_db(0.0, centre)
    direct = antenna.relative_db(0.0, look - centre)
    # Over flat ground the bounce is as far below the horizon as the target is above it.
    bounced = antenna.relative_db(0.0, -np.abs(look) - centre)
    ground = antenna.relative_db(0.0, -centre)
    return np.stack(
        [
            10.0 ** (0.2 * (direct - scanned)),
            10.0 ** (0.05 * (bounced - direct)),
            10.0 ** (0.2 * (ground - scanned)),
        ]
    )


def _azimuth_gain(antenna: Antenna, turn_s: float, sector_rad: tuple[float, float]) -> Floats:
    """Return the table ``Budget.azimuth_gain``: a turning face looks along its broadside."""
    if turn_s > 0.0:
        return np.ones(_AZIMUTHS)
    azimuth = np.linspace(0.0, 2.0 * np.pi, _AZIMUTHS)
    off = off_face_rad(azimuth, sector_rad)
    broadside = antenna.tilt_rad
    gain: Floats = 10.0 ** (-0.2 * antenna.scan_loss_db(off, broadside))
    return gain

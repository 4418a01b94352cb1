"""What a wave meets between a radar and a place: air, and ground that mirrors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sensors.attenuation import HORIZONTAL_RAD, VERTICAL_RAD, air_over
from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.surface import permittivity, roughness_m

if TYPE_CHECKING:
    from sensors.sight import Sight
    from sim.core.tables import Floats
    from sim.world.environment import Environment
    from sim.world.relief import Floats32

_NO_FACETS = np.empty((0, 0, 0), np.float32)


class Way(NamedTuple):
    """Arrays for ``sensors.way_kernels``; heights are above the level of the ``Sight``.

    Attributes
    ----------
    height_m, curvature_per_m : of the antenna; (2,) of the level
    wavelength_m, gas_db_per_m, rain_db_per_m, rain_top_m : what the air takes
    bounces, permittivity, vertical, roughness_m : how the surface mirrors; False: not at all
    facets, facets_reach_m : (5, A, D) from ``sensors.facets``, and how far they reach; without
        any the surface is the level itself
    """

    height_m: float
    curvature_per_m: Floats
    wavelength_m: float
    gas_db_per_m: Floats
    rain_db_per_m: float
    rain_top_m: float
    bounces: bool
    permittivity: complex
    vertical: bool
    roughness_m: float
    facets: Floats32
    facets_reach_m: float

    @classmethod
    def over(cls, environment: Environment, frequency_hz: float, vertical: bool) -> Way:
        """Return the way through a scenario's air and over smooth ground, from no place yet."""
        air = air_over(environment, frequency_hz, VERTICAL_RAD if vertical else HORIZONTAL_RAD)
        return cls(
            height_m=0.0,
            curvature_per_m=np.zeros(2),
            wavelength_m=SPEED_OF_LIGHT_MPS / frequency_hz,
            gas_db_per_m=air.gas_db_per_m,
            rain_db_per_m=float(air.rain_db_per_m),
            rain_top_m=float(air.rain_top_m),
            bounces=True,
            permittivity=complex(permittivity(environment, frequency_hz)),
            vertical=vertical,
            roughness_m=float(roughness_m(environment)),
            facets=_NO_FACETS,
            facets_reach_m=0.0,
        )

    def begun_at(self, sight: Sight) -> Way:
        """Return the way from a place."""
        from sensors.facets import facets_of  # numba: only where it runs

        way = self._replace(height_m=sight.height_m, curvature_per_m=sight.curvature_per_m)
        if not self.bounces or not sight.ground_m.size:
            return way
        return way._replace(facets=facets_of(sight), facets_reach_m=sight.map_reach_m)

    def in_air(self) -> Way:
        """Return the way without the ground."""
        return self._replace(bounces=False)

    def in_vacuum(self) -> Way:
        """Return the way without ground and air."""
        return self.in_air()._replace(gas_db_per_m=np.zeros(2), rain_db_per_m=0.0)

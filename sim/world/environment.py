"""Weather, light and ground cover: what a scenario says of its surroundings beside the relief."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sim.world.spec import Identifier, Latitude, Longitude, Spec

#: Kinds of ground cover, by how strongly they send radar waves back.
LandCover = Literal["metropolitan", "wooded-hills", "farmland", "flat"]


class Place(Spec):
    """A place on the ground."""

    latitude_deg: Latitude
    longitude_deg: Longitude


class WindFarm(Spec):
    """Turbines in a square grid about a place, all facing the wind."""

    id: Identifier
    latitude_deg: Latitude
    longitude_deg: Longitude
    turbines: Annotated[int, Field(ge=1, le=1000)]
    spacing_m: Annotated[float, Field(ge=50, le=10_000)] = 600.0
    hub_height_m: Annotated[float, Field(gt=0, le=300, description="above the ground")] = 110.0
    rotor_diameter_m: Annotated[float, Field(gt=1, le=400)] = 120.0
    tip_speed_mps: Annotated[float, Field(ge=0, le=150)] = 80.0
    rcs_dbsm: Annotated[float, Field(ge=-20, le=70, description="of what stands still")] = 30.0
    blade_rcs_dbsm: Annotated[
        float, Field(ge=-30, le=60, description="of a blade while it flashes")
    ] = 20.0


class Road(Spec):
    """Vehicles that drive along a line in both directions."""

    id: Identifier
    path: Annotated[tuple[Place, ...], Field(min_length=2)]
    vehicles_per_km: Annotated[float, Field(gt=0, le=200)]
    speed_mps: Annotated[float, Field(gt=0, le=80)] = 25.0
    speed_sigma_mps: Annotated[float, Field(ge=0, le=20)] = 3.0
    rcs_dbsm: Annotated[float, Field(ge=-20, le=40)] = 10.0


class Environment(Spec):
    """Weather, light and ground cover, the same everywhere and at all times of a scenario."""

    surface: Annotated[
        Literal["land", "sea"], Field(description="what lies below the sensors' beams")
    ] = "land"
    land_cover: Annotated[LandCover, Field(description="decides how strong land clutter is")] = (
        "farmland"
    )
    sea_state: Annotated[int, Field(ge=0, le=6, description="Douglas scale")] = 2
    temperature_c: Annotated[float, Field(ge=-60, le=60, description="at the ground")] = 15.0
    pressure_hpa: Annotated[float, Field(ge=500, le=1100, description="at the ground")] = 1013.25
    humidity_pct: Annotated[float, Field(ge=0, le=100, description="relative, at the ground")] = (
        60.0
    )
    rain_mm_per_h: Annotated[float, Field(ge=0, le=150)] = 0.0
    wind_mps: Annotated[float, Field(ge=0, le=60)] = 3.0
    wind_from_deg: Annotated[float, Field(ge=0, lt=360)] = 270.0
    visibility_km: Annotated[
        float, Field(gt=0.01, le=300, description="meteorological optical range")
    ] = 20.0
    light: Annotated[
        Literal["sun", "day", "twilight", "night"],
        Field(description="sun: as the sun stands at that time and place"),
    ] = "sun"
    background_noise_dba: Annotated[
        float, Field(ge=0, le=120, description="what acoustic sensors hear besides wind")
    ] = 40.0
    wind_farms: tuple[WindFarm, ...] = ()
    roads: tuple[Road, ...] = ()

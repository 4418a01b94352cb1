"""What every specification in a scenario file shares."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Spec(BaseModel):
    """Base of all specifications: immutable, and unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FileReference:
    """Marks a string as a path relative to the scenario file; the loader checks it."""


Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Height = Annotated[float, Field(ge=-1000, le=2_000_000)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
RelativePath = Annotated[str, Field(min_length=1), FileReference()]


class Position(Spec):
    """A place: latitude, longitude, and a height above the ellipsoid or above ground."""

    latitude_deg: Latitude
    longitude_deg: Longitude
    height_m: Height | None = None
    height_agl_m: Height | None = None

    @model_validator(mode="after")
    def _one_height(self) -> Self:
        if self.height_m is not None and self.height_agl_m is not None:
            raise ValueError("give height_m (above the ellipsoid) or height_agl_m, not both")
        return self

    def height_above_ellipsoid_m(self, ground_height_m: float) -> float:
        """Return the height above the ellipsoid over ground of the given height (m)."""
        if self.height_m is not None:
            return self.height_m
        return ground_height_m + (self.height_agl_m or 0.0)

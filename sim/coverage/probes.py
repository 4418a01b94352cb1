"""Targets to ask sensors about: of one class, anywhere, at rest but for their Doppler."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.core.tables import Affiliation, Floats, Truth
from sim.scenario.coverage_spec import Condition
from sim.world.attackers import Attackers
from sim.world.signatures import Signatures, signatures_of
from sim.world.targets import TargetClass, TargetSpec
from sim.world.truth import Targets


@dataclass(frozen=True, slots=True, eq=False)
class Probes(Targets):
    """A scenario's own targets, none of them there, and after them probes of one class.

    The own ones stay because jammers fly on them. A probe is where it is put at all times:
    what it sounds or sends began at that place, too.

    Attributes
    ----------
    own : how many targets are the scenario's
    place_enu_m : (N, 3) of the probes
    """

    own: int = 0
    place_enu_m: Floats = field(default_factory=lambda: np.empty((0, 3)))

    def at(self, time_s: ArrayLike, target: NDArray[np.integer]) -> tuple[Floats, Floats]:
        """Return positions and velocities (K, 3) for pairs of time and target (K,)."""
        target = np.asarray(target)
        probe = target >= self.own
        position, velocity = np.empty((target.size, 3)), np.zeros((target.size, 3))
        position[probe] = self.place_enu_m[target[probe] - self.own]
        if not probe.all():
            times = np.broadcast_to(np.asarray(time_s, float), target.shape)[~probe]
            position[~probe], velocity[~probe] = self.trajectories.at(times, target[~probe])
        return position, velocity

    def truth_of(self, time_s: float, velocity_enu_mps: Floats) -> Truth:
        """Return the probes with velocities (N, 3) and none of the scenario's own targets."""
        absent = np.full((self.own, 3), np.nan)
        return Truth(
            time_s,
            np.concatenate([absent, self.place_enu_m]),
            np.concatenate([absent, velocity_enu_mps]),
            np.arange(self.own + len(self.place_enu_m)) >= self.own,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ProbeKind:
    """One class of target, as the scenario's target list would have it.

    Attributes
    ----------
    name : the class
    speed_mps : at which it flies
    """

    name: TargetClass
    speed_mps: float
    _signature: Signatures
    _own: Targets

    @classmethod
    def of(cls, name: TargetClass, own: Targets, condition: Condition) -> ProbeKind:
        """Return the class beside the scenario's targets.

        Parameters
        ----------
        name : of ``sim.world.targets.TargetClass``
        own : the scenario's
        condition : whether its jammers work, and whether the class sends
        """
        spec = TargetSpec.model_validate(
            {
                "id": "probe",
                "class": name,
                "affiliation": "hostile",
                "remote_id": "absent",
                "ads_b": "absent",
                "radio": "silent" if condition.silent else None,
                "route": [
                    {"latitude_deg": 0.0, "longitude_deg": 0.0, "height_m": 0.0},
                    {"latitude_deg": 0.0, "longitude_deg": 1.0},
                ],
            }
        )
        if not condition.jammed:
            own = replace(own, attackers=Attackers())
        return cls(name, float(spec.characteristic("speed_mps")), signatures_of([spec]), own)

    def at(self, place_enu_m: Floats) -> Probes:
        """Return probes at places (N, 3)."""
        own, count = self._own, len(place_enu_m)
        return Probes(
            ids=own.ids + ("",) * count,
            groups=own.groups + ("",) * count,
            classes=own.classes + (self.name,) * count,
            affiliation=np.concatenate(
                [own.affiliation, np.full(count, Affiliation.HOSTILE, np.uint8)]
            ),
            signatures=_repeated(own.signatures, self._signature, count),
            trajectories=own.trajectories,
            attackers=own.attackers,
            own=len(own),
            place_enu_m=place_enu_m,
        )


def _repeated(own: Signatures, one: Signatures, count: int) -> Signatures:
    columns: dict[str, Any] = {}
    for column in fields(Signatures):
        first, more = getattr(own, column.name), getattr(one, column.name)
        columns[column.name] = np.concatenate([first, np.repeat(more, count, axis=0)])
    return Signatures(**columns)

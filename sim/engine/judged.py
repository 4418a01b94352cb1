"""Which targets the picture owes a track of their own, and which share one as a group."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.core.tables import FALSE_ALARM, Affiliation, Floats, Ints, Plots
from sim.metrics.facts import Facts
from sim.metrics.history import TruthHistory
from sim.picture.class_models import classified_as
from sim.record.setting import Setting, TargetFacts


@dataclass(frozen=True, slots=True)
class JudgedObjects:
    """The objects that a picture is judged by: single targets, or groups as one.

    Attributes
    ----------
    ids : one per object
    members : the first target of each object
    object_of : (targets,) index of the object that each target belongs to
    """

    ids: tuple[str, ...]
    members: tuple[TargetFacts, ...]
    object_of: Ints

    @classmethod
    def of(cls, setting: Setting) -> JudgedObjects:
        """Return the objects of a run, in order of their first target."""
        first: dict[str, TargetFacts] = {}
        for target in setting.targets:
            first.setdefault(target.judged_as, target)
        index = {name: k for k, name in enumerate(first)}
        object_of = np.array([index[t.judged_as] for t in setting.targets], np.int32)
        return cls(tuple(first), tuple(first.values()), object_of)

    def facts(self, setting: Setting) -> Facts:
        """Return what the judgement needs to know of objects and sensors."""
        return Facts(
            target_ids=self.ids,
            target_groups=tuple(member.group for member in self.members),
            target_classes=tuple(member.target_class for member in self.members),
            affiliation=np.array(
                [Affiliation[member.affiliation.upper()] for member in self.members], np.uint8
            ),
            right_class=np.array(
                [classified_as(member.target_class, setting.classes) for member in self.members]
                if setting.classes
                else [],
                np.int32,
            ),
            sensor_ids=tuple(sensor.id for sensor in setting.sensors),
            sensor_position_enu_m=np.array(
                [sensor.position_enu_m for sensor in setting.sensors]
            ).reshape(-1, 3),
            sensor_carrier=np.array(
                [
                    -1 if sensor.carrier is None else self.ids.index(sensor.carrier)
                    for sensor in setting.sensors
                ],
                np.int32,
            ),
        )

    def plots(self, plots: Plots) -> Plots:
        """Return plots whose truth is the object."""
        real = plots.truth_id != FALSE_ALARM
        truth_id = plots.truth_id.copy()
        truth_id[real] = self.object_of[truth_id[real]]
        return replace(plots, truth_id=truth_id)

    def truth(self, truth: TruthHistory) -> TruthHistory:
        """Return a history of objects: a group is where its members are on average.

        It is as well seen as its best seen member, misled where one of them is, and its scatter
        is that of its members.
        """
        target = self.object_of[truth.target]
        order = np.lexsort((-np.nan_to_num(truth.detectability), target, truth.time_s))
        time_s, target = truth.time_s[order], target[order]
        new = np.ones(order.size, np.bool_)
        new[1:] = (np.diff(time_s) != 0) | (np.diff(target) != 0)
        first = np.flatnonzero(new)
        if first.size == order.size:
            return replace(truth, target=self.object_of[truth.target])
        size = np.diff(np.append(first, order.size))

        def mean(column: Floats) -> Floats:
            total = np.add.reduceat(column[order], first, axis=0)
            return total / size.reshape(-1, *[1] * (column.ndim - 1))

        best, centre = order[first], mean(truth.position_enu_m)
        off_m = truth.position_enu_m.copy()
        off_m[order] -= np.repeat(centre, size, axis=0)
        return TruthHistory(
            time_s=time_s[first],
            target=target[first],
            position_enu_m=centre,
            velocity_enu_mps=mean(truth.velocity_enu_mps),
            height_m=mean(truth.height_m),
            detectability=truth.detectability[best],
            visibility=truth.visibility[best],
            best_sensor=truth.best_sensor[best],
            misled=np.logical_or.reduceat(truth.misled[order], first),
            scatter_m2=mean(off_m[:, :, np.newaxis] * off_m[:, np.newaxis, :]),
        )

"""Whether a path stays over known ground, and above it."""

from __future__ import annotations

import numpy as np

from sim.world.frames import Frame
from sim.world.relief import Relief
from sim.world.trajectories import Knots, cubic

_STEP_M = 50.0
_TOUCH_M = 1.0
_SAMPLES_MAX = 2_000_000


def check_over_ground(knots: Knots, frame: Frame, relief: Relief, *, above: bool) -> None:
    """Raise unless a path stays over known ground and, if ``above``, out of it.

    Raises
    ------
    ValueError
        Naming the first place and time at which it does not.
    """
    step = np.diff(knots.position_enu_m, axis=0)
    length_m = np.where(knots.gap_after[:-1], 0.0, np.linalg.norm(step, axis=1))
    step_m = max(_STEP_M, float(length_m.sum()) / _SAMPLES_MAX)
    count = np.maximum(np.ceil(length_m / step_m), 1).astype(np.intp)
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    low = np.repeat(np.arange(count.size), count)
    share = (np.arange(count.sum()) - first[low]) / count[low]
    span = np.diff(knots.time_s)[low]
    place, velocity = knots.position_enu_m, knots.velocity_enu_mps
    inner = cubic(
        place[low], velocity[low], place[low + 1], velocity[low + 1], span, share[:, None]
    )[:, 0]
    position = np.vstack([inner, knots.position_enu_m[-1:]])
    time_s = np.append(knots.time_s[low] + share * span, knots.time_s[-1])
    latitude, longitude, height_m = frame.to_geodetic(position)
    ground_m = relief.height_m(latitude, longitude)
    lost = np.isnan(ground_m)
    if above:
        lost |= height_m < ground_m - _TOUCH_M
    if not lost.any():
        return
    k = int(lost.argmax())
    at = f"{np.degrees(latitude[k]):.4f} north, {np.degrees(longitude[k]):.4f} east"
    when = f"at t = {time_s[k]:.0f} s"
    if np.isnan(ground_m[k]):
        raise ValueError(
            f"it leaves the terrain {when}, {at}; files cover {relief.extent()}; add files, or "
            "give area.terrain.outside_height_m"
        )
    raise ValueError(
        f"it is {ground_m[k] - height_m[k]:.0f} m below the ground {when}, {at}; raise the "
        "route, or let it follow_terrain"
    )

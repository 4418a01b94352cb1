"""Several sites' tracks become one picture: track-to-track association and fusion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from sim.core.assignment import assign
from sim.core.jit import threads_for
from sim.core.tables import Bools, Floats, Ints, Tracks, TrackStatus
from sim.tracking.estimates import Estimates, extrapolated
from sim.tracking.fusion_kernels import fuse_members, near_pairs, squared_distances

#: What a system track holds of one site: nothing; a track that the site's latest report
#: still had; one that it no longer had.
EMPTY, LIVE, LAPSED = range(3)

_COUNTED = [("hits", np.int32), ("sensors", np.uint64), ("replies", np.int32, 3)]
_MEMBER = np.dtype(
    [
        ("state", np.uint8),
        ("status", np.uint8),
        ("number", np.int32),
        ("misses", np.int32),
        ("time_s", np.float64),
        ("last_plot_s", np.float64),
        ("existence", np.float64),
        ("mean", np.float64, 6),
        ("covariance", np.float64, (6, 6)),
        # Traces of the position's, cross and velocity blocks of the covariance.
        ("traces", np.float64, 3),
        *_COUNTED,
    ],
    align=True,
)

_Records = NDArray[np.void]
_Rows = NDArray[np.intp]
_Picture = TypeVar("_Picture", Tracks, Estimates)


@dataclass(frozen=True, slots=True)
class FusionSettings:
    """How sites' tracks are paired and fused.

    Attributes
    ----------
    noise_m2ps3 : white-noise acceleration, horizontal and vertical, for extrapolation
    timeout_s : a site's track that was not reported for so long is forgotten
    pair_probability : share of truly equal tracks that the gate for a new pair lets in
    keep_probability : the same for a pair that exists; larger, so that pairs last
    split_reports : reports in a row outside that gate that end a pair
    merge_reports : reports in a row that two system tracks must agree to become one
    """

    noise_m2ps3: tuple[float, float] = (50.0, 5.0)
    timeout_s: float = 30.0
    pair_probability: float = 0.99
    keep_probability: float = 0.9999
    split_reports: int = 3
    merge_reports: int = 4

    def __post_init__(self) -> None:
        if not 0.0 < self.pair_probability <= self.keep_probability < 1.0:
            raise ValueError("expected 0 < pair_probability <= keep_probability < 1")
        if min(self.split_reports, self.merge_reports) < 1 or not self.timeout_s > 0:
            raise ValueError("split_reports, merge_reports and timeout_s must be positive")


class TrackFusion:
    """Reports of several sites in, one system picture out.

    Parameters
    ----------
    n_sites : number of sites; ``receive`` knows them by index
    settings : how to pair and fuse

    Attributes
    ----------
    time_s : time of the newest report
    ignored : reports dropped because the site had sent a newer one before

    Notes
    -----
    A system track keeps at most one track of every site, each as the site reported it
    last; what is fused out of them is handed out and never fused again, so that no
    report counts twice. Sites share the target's manoeuvres and perhaps sensors: their
    errors are correlated, nobody knows how much, hence covariance intersection.
    """

    def __init__(self, n_sites: int, settings: FusionSettings | None = None) -> None:
        self.settings = FusionSettings() if settings is None else settings
        self.time_s = -math.inf
        self.ignored = 0
        s = self.settings
        self._pair_gate, self._keep_gate = (
            float(2.0 * gammaincinv(3.0, p)) for p in (s.pair_probability, s.keep_probability)
        )
        self._latest_s = np.full(n_sites, -math.inf)
        self._next_number = 1
        # One row per system track, oldest first; one column per site.
        self._number = np.empty(0, np.int32)
        self._members: _Records = np.zeros((0, n_sites), _MEMBER)
        # Counts of members that have gone.
        self._past: _Records = np.zeros(0, np.dtype(_COUNTED))
        # Pairs of system tracks that agree, older number in the upper half of the key.
        self._agreeing = np.empty(0, np.int64)
        self._agreements = np.empty(0, np.int32)

    def receive(self, site: int, report: Estimates) -> None:
        """Take a site's report, however late; one older than the site's last is ignored.

        Parameters
        ----------
        site : index of the sender
        report : all its confirmed tracks; rows that are not finite are left out
        """
        if not 0 <= site < self._latest_s.size:
            raise ValueError(f"site must be in 0 … {self._latest_s.size - 1}, found {site}")
        if not report.time_s > self._latest_s[site]:
            self.ignored += 1
            return
        finite: Bools = np.logical_and.reduce(np.isfinite(report.mean), axis=1)
        finite &= np.logical_and.reduce(np.isfinite(report.covariance), axis=(1, 2))
        report = report.take(finite)
        self._latest_s[site] = report.time_s
        self.time_s = max(self.time_s, report.time_s)
        self._forget()
        moved = report.at(self.time_s, self.settings.noise_m2ps3)

        system, misses = self._continued(site, report.number)
        anchor_mean, anchor_covariance, anchored = self._anchors(site)
        paired = np.flatnonzero(system >= 0)
        paired = paired[anchored[system[paired]]]
        at = system[paired]
        squared = squared_distances(
            moved.mean[paired], moved.covariance[paired], anchor_mean[at], anchor_covariance[at]
        )
        misses[paired] = np.where(squared <= self._keep_gate, 0, misses[paired] + 1)
        split = paired[misses[paired] >= self.settings.split_reports]
        self._members[system[split], site] = 0
        system[split] = -1

        free = np.flatnonzero(anchored & (self._members["state"][:, site] != LIVE))
        start, column, squared = near_pairs(
            moved.mean,
            moved.covariance,
            anchor_mean[free],
            anchor_covariance[free],
            np.argsort(anchor_mean[free, 0]),
            self._pair_gate,
        )
        row = np.repeat(np.arange(len(report)), np.diff(start))
        newcomer = system < 0
        misses[newcomer] = 0
        offered = newcomer[row]
        start = np.append(0, np.cumsum(np.bincount(row[offered], minlength=len(report))))
        chosen = assign(
            start.astype(np.int32),
            column[offered],
            self._pair_gate - squared[offered],
            free.size,
        )
        took = np.flatnonzero(chosen >= 0)
        system[took] = free[chosen[took]]
        born = np.flatnonzero(system < 0)
        system[born] = self._append(born.size)

        self._write(site, system, misses, report)
        self._merge(site, free[column], system[row], squared)

    def picture(self, time_s: float | None = None) -> Tracks:
        """Return the system tracks, extrapolated to a time (default: the newest report's)."""
        return self.states(time_s).as_tracks()

    def states(self, time_s: float | None = None) -> Estimates:
        """Return the system tracks with full states, as ``picture``.

        A track counts as coasting if every site coasts it or has lost it. It exists as
        probably as the site holds that is surest of it.
        """
        time_s = self.time_s if time_s is None else time_s
        if not self._number.size:
            return Estimates.empty(time_s)
        fresh = (self._members["state"] != EMPTY) & (
            self._members["time_s"] >= time_s - self.settings.timeout_s
        )
        kept = fresh.any(axis=1)
        members, past, fresh = self._members[kept], self._past[kept], fresh[kept]
        live = fresh & (members["state"] == LIVE)
        lost = ~live.any(axis=1)
        used = np.where(lost[:, None], fresh, live)
        mean, covariance = np.empty((len(used), 6)), np.empty((len(used), 6, 6))
        with threads_for(int(used.sum())):
            fuse_members(
                used,
                self._best(members, used, time_s),
                members["time_s"],
                members["mean"],
                members["covariance"],
                time_s,
                *self.settings.noise_m2ps3,
                mean,
                covariance,
            )
        held = live & (members["status"] == TrackStatus.CONFIRMED)
        own = members["state"] != EMPTY
        return Estimates(
            time_s=time_s,
            number=self._number[kept],
            mean=mean,
            covariance=covariance,
            last_plot_s=np.where(own, members["last_plot_s"], -math.inf).max(axis=1),
            hits=past["hits"] + members["hits"].sum(axis=1, dtype=np.int32),
            sensors=past["sensors"] | np.bitwise_or.reduce(members["sensors"], axis=1),
            replies=past["replies"] + members["replies"].sum(axis=1, dtype=np.int32),
            status=np.where(held.any(axis=1), TrackStatus.CONFIRMED, TrackStatus.COASTING).astype(
                np.uint8
            ),
            existence=np.fmax.reduce(np.where(used, members["existence"], np.nan), axis=1),
        )

    def members(self, number: int) -> dict[int, int]:
        """Return which of its tracks each site holds now under a system number."""
        row = np.flatnonzero(self._number == number)
        if not row.size:
            return {}
        members = self._members[row[0]]
        return {int(s): int(members["number"][s]) for s in np.flatnonzero(members["state"] == LIVE)}

    def system_numbers(self, site: int, number: Ints) -> Ints:
        """Return the system numbers (K,) under which a site's tracks are held, 0 for none."""
        held = np.flatnonzero(self._members["state"][:, site] == LIVE)
        own = self._members["number"][held, site]
        order = np.argsort(own)
        at = np.searchsorted(own[order], number)
        known = at < own.size
        known[known] = own[order[at[known]]] == number[known]
        system = np.zeros(number.size, np.int32)
        system[known] = self._number[held[order[at[known]]]]
        return system

    def _forget(self) -> None:
        """Drop members, and with them system tracks, that were not reported for too long."""
        old = (self._members["state"] != EMPTY) & (
            self._members["time_s"] < self.time_s - self.settings.timeout_s
        )
        row, site = np.nonzero(old)
        if row.size:
            self._bank(row, row, site)
            self._keep((self._members["state"] != EMPTY).any(axis=1))

    def _bank(self, into: _Rows, row: _Rows, site: _Rows) -> None:
        """Empty the named members and add their counts to the past of tracks ``into``."""
        gone = self._members[row, site]
        np.add.at(self._past["hits"], into, gone["hits"])
        np.add.at(self._past["replies"], into, gone["replies"])
        np.bitwise_or.at(self._past["sensors"], into, gone["sensors"])
        self._members[row, site] = 0

    def _keep(self, rows: Bools) -> None:
        if not rows.all():
            self._number = self._number[rows]
            self._members = self._members[rows]
            self._past = self._past[rows]

    def _append(self, n: int) -> _Rows:
        """Found n system tracks; return their rows."""
        first = self._number.size
        if n:
            numbers = np.arange(self._next_number, self._next_number + n, dtype=np.int32)
            self._next_number += n
            room = np.zeros((n, self._latest_s.size), _MEMBER)
            self._number = np.append(self._number, numbers)
            self._members = np.concatenate([self._members, room])
            self._past = np.concatenate([self._past, np.zeros(n, self._past.dtype)])
        return np.arange(first, first + n)

    def _continued(self, site: int, number: Ints) -> tuple[_Rows, Ints]:
        """Find each reported number's system track, −1 for none, and its misses so far.

        Members that the report no longer has lapse.
        """
        slots = self._members[:, site]
        held = np.flatnonzero(slots["state"] != EMPTY)
        _, in_held, in_report = np.intersect1d(
            slots["number"][held], number, assume_unique=True, return_indices=True
        )
        system = np.full(number.size, -1, np.intp)
        system[in_report] = held[in_held]
        misses = np.zeros(number.size, np.int32)
        misses[in_report] = slots["misses"][system[in_report]]
        slots["state"][held] = LAPSED
        slots["state"][system[in_report]] = LIVE
        return system, misses

    def _anchors(self, site: int) -> tuple[Floats, Floats, Bools]:
        """Return what a site's tracks are compared with: the best track of another site.

        Its state at ``time_s``, and whether there is one. A system track that every site
        has lost stands by its best lapsed member.
        """
        state = self._members["state"]
        used = state == LIVE
        used[:, site] = False
        lost = ~(state == LIVE).any(axis=1)
        used[lost] = state[lost] == LAPSED
        best = self._best(self._members, used, self.time_s)
        member = self._members[np.arange(best.size), best]
        mean, covariance = extrapolated(
            member["mean"],
            member["covariance"],
            self.time_s - member["time_s"],
            self.settings.noise_m2ps3,
        )
        return mean, covariance, used.any(axis=1)

    def _best(self, members: _Records, used: Bools, time_s: float) -> _Rows:
        """Return the site with the smallest sum of position variances at a time."""
        dt = time_s - members["time_s"]
        at_0, rate, bend = np.moveaxis(members["traces"], -1, 0)
        noise = (2.0 * self.settings.noise_m2ps3[0] + self.settings.noise_m2ps3[1]) / 3.0
        total = at_0 + dt * (2.0 * rate + dt * bend) + noise * np.abs(dt) ** 3
        best: _Rows = np.where(used, total, math.inf).argmin(axis=1)
        return best

    def _write(self, site: int, system: _Rows, misses: Ints, report: Estimates) -> None:
        """Put a report's tracks into their system tracks."""
        before = self._members[system, site]
        other = system[(before["state"] != EMPTY) & (before["number"] != report.number)]
        self._bank(other, other, np.full(other.size, site))
        rows = np.zeros(system.size, _MEMBER)
        rows["state"] = LIVE
        rows["misses"] = misses
        for f in fields(report):
            rows[f.name] = getattr(report, f.name)
        for k, block in enumerate((np.s_[:3, :3], np.s_[:3, 3:], np.s_[3:, 3:])):
            rows["traces"][:, k] = np.trace(report.covariance[:, *block], axis1=1, axis2=2)
        self._members[system, site] = rows

    def _merge(self, site: int, one: _Rows, two: _Rows, squared: Floats) -> None:
        """Make one of two system tracks that agreed for long enough.

        Parameters
        ----------
        site : the site whose report has just been written
        one, two : pairs of rows that agree by this report
        squared : their squared distances
        """
        live = self._members["state"] == LIVE
        disjoint = ~(live[one] & live[two]).any(axis=1) & (one != two)
        squared = squared[disjoint]
        older = np.minimum(one, two)[disjoint]
        younger = np.maximum(one, two)[disjoint]
        key = (self._number[older].astype(np.int64) << 32) | self._number[younger]

        # A pair on which this report had nothing to say keeps its count.
        known = self._agreeing
        touched = np.isin(known >> 32, self._number[live[:, site]])
        touched |= np.isin(known & 0xFFFFFFFF, self._number[live[:, site]])
        silent = known[~touched]
        _, before, now = np.intersect1d(known, key, assume_unique=True, return_indices=True)
        count = np.ones(key.size, np.int32)
        count[now] += self._agreements[before]
        due = count >= self.settings.merge_reports
        order = np.flatnonzero(due)[np.argsort(squared[due], kind="stable")]
        # Closest first, and no track in two mergers at once.
        both = np.column_stack([older[order], younger[order]]).ravel()
        seen_first = np.zeros(both.size, np.bool_)
        seen_first[np.unique(both, return_index=True)[1]] = True
        chosen = order[seen_first.reshape(-1, 2).all(axis=1)]
        self._agreeing = np.append(silent, key)
        self._agreements = np.append(self._agreements[~touched], count)
        if chosen.size:
            self._join(older[chosen], younger[chosen])
        alive = np.isin(self._agreeing >> 32, self._number)
        alive &= np.isin(self._agreeing & 0xFFFFFFFF, self._number)
        self._agreeing = self._agreeing[alive]
        self._agreements = self._agreements[alive]

    def _join(self, older: _Rows, younger: _Rows) -> None:
        """Give the older tracks all that the younger ones have, and end these."""
        state = self._members["state"]
        pair, site = np.nonzero((state[older] != EMPTY) & (state[younger] == LIVE))
        self._bank(older[pair], older[pair], site)
        pair, site = np.nonzero(state[younger] == LAPSED)
        self._bank(older[pair], younger[pair], site)
        pair, site = np.nonzero(state[younger] == LIVE)
        self._members[older[pair], site] = self._members[younger[pair], site]
        self._members["misses"][older] = 0
        self._past["hits"][older] += self._past["hits"][younger]
        self._past["replies"][older] += self._past["replies"][younger]
        self._past["sensors"][older] |= self._past["sensors"][younger]
        ended = np.zeros(self._number.size, np.bool_)
        ended[younger] = True
        self._keep(~ended)


def side_by_side(pictures: Sequence[_Picture], total: int | None = None) -> _Picture:
    """Lay the pictures of sites that share nothing side by side.

    Parameters
    ----------
    pictures : one or more, one per site in fixed order, all of one time
    total : S below; as many as there are pictures if left out

    Returns
    -------
    Tracks or Estimates
        All their tracks. Site s of S has the numbers n·S + s, so that no two sites share
        one (``beside``); of a tentative track's negative number the sign is kept.
    """
    if len({picture.time_s for picture in pictures}) != 1:
        raise ValueError("expected pictures of one time, at least one")
    columns: dict[str, NDArray[Any]] = {
        f.name: np.concatenate([getattr(picture, f.name) for picture in pictures])
        for f in fields(pictures[0])
        if f.name != "time_s"
    }
    columns["number"] = np.concatenate(
        [
            beside(picture.number, site, total or len(pictures))
            for site, picture in enumerate(pictures)
        ]
    )
    whole = type(pictures[0])(pictures[0].time_s, **columns)
    return whole.take(np.argsort(np.abs(columns["number"])))


def beside(number: Ints, site: int, sites: int) -> Ints:
    """Return the numbers that a site's tracks have ``side_by_side`` with those of the others."""
    unique = np.abs(number.astype(np.int64)) * sites + site
    return np.where(number < 0, -unique, unique).astype(np.int32)

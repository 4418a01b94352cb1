"""What a track is held to be, from the replies to interrogation."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product

import numpy as np
import pytest

from sim.core.tables import Identity, Tracks, TrackStatus
from sim.picture.identity import identify


def tracks_with(replies: list[tuple[int, int]], status: list[int]) -> Tracks:
    """Tracks with the given numbers of civil and military replies."""
    n = len(replies)
    empty = Tracks.empty()
    columns = {
        f.name: np.zeros((n, *getattr(empty, f.name).shape[1:]), getattr(empty, f.name).dtype)
        for f in fields(Tracks)
        if f.name != "time_s"
    }
    columns["replies"] = np.array([(9, *pair) for pair in replies], np.int32).reshape(n, 3)
    columns["status"] = np.array(status, np.uint8)
    columns["number"] = np.arange(n, dtype=np.int32)
    return Tracks(time_s=5.0, **columns)


def judged(civil: int, military: int, status: TrackStatus) -> Identity:
    """The rule, in words of one syllable."""
    if military >= 2 and military >= civil:
        return Identity.FRIEND
    if civil >= 2 and civil > military:
        return Identity.NEUTRAL
    return Identity.PENDING if status == TrackStatus.TENTATIVE else Identity.UNKNOWN


def test_every_mix_of_replies() -> None:
    cases = list(product(range(5), range(5), TrackStatus))
    tracks = tracks_with([case[:2] for case in cases], [case[2] for case in cases])
    found = identify(tracks)
    assert found.identity.tolist() == [judged(*case) for case in cases]
    assert found.identity.dtype == np.uint8
    replies_tell = {Identity.PENDING, Identity.UNKNOWN, Identity.FRIEND, Identity.NEUTRAL}
    assert set(found.identity) == replies_tell


@pytest.mark.parametrize(
    ("civil", "military", "expected"),
    [
        (0, 0, Identity.UNKNOWN),
        (1, 0, Identity.UNKNOWN),
        (0, 1, Identity.UNKNOWN),
        (1, 1, Identity.UNKNOWN),
        (2, 0, Identity.NEUTRAL),
        (0, 2, Identity.FRIEND),
        (2, 1, Identity.NEUTRAL),
        (1, 2, Identity.FRIEND),
        (2, 2, Identity.FRIEND),
        (3, 2, Identity.NEUTRAL),
        (2, 3, Identity.FRIEND),
        (1000, 2, Identity.NEUTRAL),
    ],
)
def test_confirmed_tracks(civil: int, military: int, expected: Identity) -> None:
    for status in (TrackStatus.CONFIRMED, TrackStatus.COASTING):
        assert identify(tracks_with([(civil, military)], [status])).identity[0] == expected


def test_silence_is_no_identity() -> None:
    silent = tracks_with([(0, 0)] * 3, list(TrackStatus))
    assert identify(silent).identity.tolist() == [
        Identity.PENDING,
        Identity.UNKNOWN,
        Identity.UNKNOWN,
    ]


def test_nothing_else_changes() -> None:
    tracks = tracks_with([(0, 3), (2, 0)], [TrackStatus.CONFIRMED] * 2)
    before = replace(tracks, identity=tracks.identity.copy())
    found = identify(tracks)
    for field in fields(Tracks):
        np.testing.assert_array_equal(getattr(tracks, field.name), getattr(before, field.name))
        if field.name != "identity":
            assert getattr(found, field.name) is getattr(tracks, field.name)


def test_an_empty_picture() -> None:
    assert len(identify(Tracks.empty(3.0))) == 0

"""Identity by evidence: the weights, the words, the ground, and reasons in words."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.core.tables import Floats, Identity, Tracks, TrackStatus
from sim.picture.class_models import generic_models
from sim.picture.evidence import (
    FRIEND,
    HOSTILE,
    LIKELIHOODS,
    NEUTRAL,
    Evidence,
    evidence_model,
    in_words,
    posterior,
)
from sim.picture.grounds import Cylinders, Frontier, Grounds, Ways
from sim.picture.identification import Identification, Identified, decide
from sim.scenario.identifying import Identification as Settings
from sim.scenario.identifying import Thresholds
from sim.world.frames import Frame
from sim.world.presets import read_presets

MODEL = evidence_model()
NAMES = generic_models().names
FRAME = Frame.at(math.radians(52.0), math.radians(5.0), 40.0)
#: A base of 5 km about the origin, an area 30 km east, a way north at 60 km east, and a border
#: that runs north 80 km east: threats come from its right.
GROUNDS = Grounds(
    protected=Cylinders(("base",), np.zeros((1, 2)), np.array([5e3]), np.array([3e3])),
    restricted=Cylinders(("prison",), np.array([[30e3, 0]]), np.array([2e3]), np.array([1e3])),
    ways=Ways(
        ("amber",),
        np.zeros(1, np.int32),
        np.array([[60e3, -20e3]]),
        np.array([[0.0, 1.0]]),
        np.array([40e3]),
        np.array([3e3]),
        np.zeros(1, np.bool_),
    ),
    border=Frontier(np.array([[80e3, -200e3], [80e3, 200e3]]), threat_left=False),
)


def tracks_at(
    *position: tuple[float, float, float],
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
    replies: tuple[int, int, int] = (9, 0, 0),
    status: int = TrackStatus.CONFIRMED,
    sensors: int = 1,
    first_number: int = 1,
) -> Tracks:
    n, empty = len(position), Tracks.empty()
    columns: dict[str, Any] = {
        f.name: np.zeros((n, *getattr(empty, f.name).shape[1:]), getattr(empty, f.name).dtype)
        for f in fields(Tracks)
        if f.name not in ("time_s", "target_class", "class_probability", "existence")
    }
    columns["number"] = np.arange(first_number, first_number + n, dtype=np.int32)
    columns["position_enu_m"] = np.array(position, float).reshape(n, 3)
    columns["velocity_enu_mps"] = np.tile(np.array(velocity, float), (n, 1))
    columns["replies"] = np.tile(np.array(replies, np.int32), (n, 1))
    columns["status"] = np.full(n, status, np.uint8)
    columns["sensors"] = np.full(n, sensors, np.uint64)
    columns["hits"] = np.full(n, 9, np.int32)
    return Tracks(time_s=5.0, **columns)


def identifier(**settings: Any) -> Identification:
    return Identification(Settings(**settings), GROUNDS, FRAME, np.uint64(2), NAMES)


def judged(
    tracks: Tracks,
    by: Identification | None = None,
    *,
    silences: float = 0,
    target_class: str | None = None,
    sure: float = 0.9,
    doubted: tuple[int, ...] = (),
) -> Identified:
    classes = np.full((len(tracks), len(NAMES)), np.nan)
    if target_class is not None:
        classes[:] = (1.0 - sure) / (len(NAMES) - 1)
        classes[:, NAMES.index(target_class)] = sure
    doubts = np.array([(number, 0) for number in doubted], np.int32).reshape(-1, 2)
    return (by or identifier()).judge(
        tracks, classes, np.full(len(tracks), float(silences)), doubts
    )


NOWHERE = (-100e3, 100e3, 5000.0)


# --- weights


def twin(bits: int, silences: float, classes: Floats, prior: Floats) -> Floats:
    """The formula, one hypothesis after the other."""
    told = read_presets(LIKELIHOODS)
    weights = []
    for h in (FRIEND, NEUTRAL, HOSTILE):
        weight = prior[h]
        answers = 1.0
        for kind in Evidence:
            if not bits & kind:
                continue
            if kind == Evidence.CLASS:
                weight *= sum(
                    p * told[f"class-{name}"]["likelihood"].value[h]
                    for p, name in zip(classes, NAMES, strict=True)
                )
                answers = float(classes @ (1.0 - generic_models().transponder[:, 0]))
            elif kind != Evidence.SILENCE and not (
                kind == Evidence.HEADS_FOR and bits & Evidence.RESTRICTED
            ):
                assert kind.name
                weight *= told[kind.name.lower().replace("_", "-")]["likelihood"].value[h]
        if bits & Evidence.SILENCE:
            share = told["silence"]["silent_share"].value[h]
            missed = 0.1 ** min(silences, 3)
            weight *= 1.0 - answers * (1.0 - share - (1.0 - share) * missed)
        weights.append(weight)
    return np.array(weights) / sum(weights)


def test_the_posterior_is_its_twins_sums_to_one_and_order_does_not_matter() -> None:
    generator = np.random.default_rng(3)
    bits = generator.integers(0, 2 ** len(Evidence), 300).astype(np.uint32)
    silences = generator.integers(0, 6, 300).astype(float)
    classes = generator.dirichlet(np.full(len(NAMES), 0.3), 300)
    prior = np.array([0.3, 0.3, 0.4])
    found = posterior(bits, silences, classes, MODEL, prior)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    for row in range(300):
        expected = twin(int(bits[row]), silences[row], classes[row], prior)
        np.testing.assert_allclose(found[row], expected, rtol=1e-9, atol=1e-15)
    order = generator.permutation(300)
    shuffled = posterior(bits[order], silences[order], classes[order], MODEL, prior)
    np.testing.assert_array_equal(shuffled, found[order])


@pytest.mark.parametrize(
    ("kind", "up", "down"),
    [
        (Evidence.MILITARY_REPLY, FRIEND, HOSTILE),
        (Evidence.CIVIL_REPLY, NEUTRAL, HOSTILE),
        (Evidence.SILENCE, HOSTILE, NEUTRAL),
        (Evidence.REPORT, NEUTRAL, HOSTILE),
        (Evidence.UNCORROBORATED, HOSTILE, FRIEND),
        (Evidence.IN_CORRIDOR, NEUTRAL, HOSTILE),
        (Evidence.OFF_CORRIDOR, HOSTILE, NEUTRAL),
        (Evidence.HEADS_FOR, HOSTILE, NEUTRAL),
        (Evidence.RESTRICTED, HOSTILE, NEUTRAL),
        (Evidence.THREAT_SIDE, HOSTILE, FRIEND),
        (Evidence.LOW_FAST, HOSTILE, NEUTRAL),
    ],
)
def test_each_evidence_alone_moves_the_posterior_as_documented(
    kind: Evidence, up: int, down: int
) -> None:
    none = np.full((1, len(NAMES)), np.nan)
    found = posterior(np.array([kind], np.uint32), np.array([4.0]), none, MODEL, MODEL.prior)[0]
    assert found[up] > MODEL.prior[up]
    assert found[down] < MODEL.prior[down]


@pytest.mark.parametrize(
    ("target_class", "up"),
    [
        ("one-way-attack-drone", HOSTILE),
        ("cruise-missile", HOSTILE),
        ("ballistic-missile", HOSTILE),
        ("decoy", HOSTILE),
        ("airliner", NEUTRAL),
        ("light-aircraft", NEUTRAL),
        ("bird", NEUTRAL),
        ("balloon", NEUTRAL),
        ("fighter", FRIEND),
    ],
)
def test_each_class_speaks_for_someone(target_class: str, up: int) -> None:
    found = judged(tracks_at(NOWHERE), target_class=target_class).probability[0]
    assert found[up] > MODEL.prior[up]
    assert found.argmax() == up


def test_more_silences_tell_more_up_to_three_and_less_of_what_seldom_answers() -> None:
    def hostile(silences: int, target_class: str) -> float:
        found = judged(tracks_at(NOWHERE), silences=silences, target_class=target_class)
        return float(found.probability[0, HOSTILE])

    rising = [hostile(k, "light-aircraft") for k in range(6)]
    assert rising[0] < rising[1] < rising[2] < rising[3] == rising[4] == rising[5]
    gain = hostile(5, "light-aircraft") / hostile(0, "light-aircraft")
    assert gain > hostile(5, "bird") / hostile(0, "bird")


def test_shares_of_classes_sum_to_one_and_every_class_has_them() -> None:
    assert MODEL.of_class.shape == (len(NAMES), 3)
    np.testing.assert_allclose(MODEL.of_class.sum(axis=0), 1.0, atol=1e-9)
    assert MODEL.prior.sum() == pytest.approx(1.0)


def test_the_page_shows_the_likelihoods_that_are_used() -> None:
    page = (Path(__file__).parents[1] / "docs" / "identification.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip().strip("`") for cell in line.split("|")[1:-1]]
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    shown = {row[0]: row for row in reversed(rows)}  # the settings come last
    for name, entry in read_presets(LIKELIHOODS).items():
        if "likelihood" not in entry:
            continue
        row = shown[name.removeprefix("class-")]
        numbers = row[2:5] if not name.startswith("class-") else row[1:4]
        assert [float(number) for number in numbers] == entry["likelihood"].value, name


# --- words


def at(hypothesis: int, probability: float) -> Floats:
    found = np.full((1, 3), (1.0 - probability) / 2)
    found[0, hypothesis] = probability
    return found


def decided(before: Identity, hypothesis: int, probability: float, military: bool) -> Identity:
    found = decide(
        np.array([before], np.uint8),
        at(hypothesis, probability),
        np.array([military]),
        Thresholds(),
    )
    assert found.dtype == np.uint8
    return Identity(int(found[0]))


@pytest.mark.parametrize(
    ("hypothesis", "probability", "military", "expected"),
    [
        (HOSTILE, 0.96, False, Identity.HOSTILE),
        (HOSTILE, 0.94, False, Identity.SUSPECT),
        (HOSTILE, 0.69, False, Identity.UNKNOWN),
        (FRIEND, 0.96, True, Identity.FRIEND),
        (FRIEND, 0.99, False, Identity.ASSUMED_FRIEND),
        (FRIEND, 0.94, True, Identity.ASSUMED_FRIEND),
        (FRIEND, 0.69, True, Identity.UNKNOWN),
        (NEUTRAL, 0.71, False, Identity.NEUTRAL),
        (NEUTRAL, 0.69, False, Identity.UNKNOWN),
    ],
)
def test_words_by_threshold(
    hypothesis: int, probability: float, military: bool, expected: Identity
) -> None:
    assert decided(Identity.PENDING, hypothesis, probability, military) == expected


@pytest.mark.parametrize(
    ("before", "hypothesis", "probability", "expected"),
    [
        (Identity.HOSTILE, HOSTILE, 0.91, Identity.HOSTILE),
        (Identity.HOSTILE, HOSTILE, 0.89, Identity.SUSPECT),
        (Identity.HOSTILE, HOSTILE, 0.66, Identity.UNKNOWN),
        (Identity.SUSPECT, HOSTILE, 0.66, Identity.SUSPECT),
        (Identity.SUSPECT, HOSTILE, 0.64, Identity.UNKNOWN),
        (Identity.SUSPECT, HOSTILE, 0.96, Identity.HOSTILE),
        (Identity.NEUTRAL, NEUTRAL, 0.66, Identity.NEUTRAL),
        (Identity.NEUTRAL, HOSTILE, 0.75, Identity.SUSPECT),
        (Identity.FRIEND, FRIEND, 0.91, Identity.FRIEND),
        (Identity.FRIEND, FRIEND, 0.89, Identity.ASSUMED_FRIEND),
    ],
)
def test_a_word_is_lost_only_by_a_margin(
    before: Identity, hypothesis: int, probability: float, expected: Identity
) -> None:
    assert decided(before, hypothesis, probability, True) == expected


def test_silence_after_a_military_reply_loses_no_friend() -> None:
    by = identifier()
    first = judged(tracks_at(NOWHERE, replies=(9, 0, 2)), by)
    assert first.tracks.identity[0] == Identity.FRIEND
    later = judged(tracks_at(NOWHERE, replies=(99, 0, 2)), by, silences=90)
    assert later.tracks.identity[0] == Identity.FRIEND
    np.testing.assert_array_equal(later.probability, first.probability)
    assert later.reasons == ()


def test_a_state_that_lasts_counts_once() -> None:
    by = identifier()
    tracks = tracks_at((20e3, 0, 500), velocity=(-60, 0, 0))
    first = judged(tracks, by, silences=5)
    for _ in range(200):
        again = judged(tracks, by, silences=5)
    np.testing.assert_array_equal(again.probability, first.probability)


# --- the ground


@pytest.mark.parametrize(
    ("position", "velocity", "kind"),
    [
        ((20e3, 0, 500), (-60, 0, 0), Evidence.HEADS_FOR),
        ((20e3, 4.9e3, 500), (-60, 0, 0), Evidence.HEADS_FOR),
        ((20e3, 5.1e3, 500), (-60, 0, 0), None),
        ((20e3, 0, 500), (60, 0, 0), None),
        ((20e3, 0, 9000), (-60, 0, 0), None),  # passes above
        ((20e3, 0, 9000), (-60, 0, -40), Evidence.HEADS_FOR),
        ((0, 3e3, 500), (60, 0, 0), Evidence.HEADS_FOR),  # is over it
        ((-50e3, 0, 500), (60, 0, 0), None),  # 750 s away
        ((6e3, 0, 500), (-4, 0, 0), None),  # too slow for a course
        ((30e3, 1.9e3, 500), (0, 0, 0), Evidence.RESTRICTED),
        ((30e3, 2.1e3, 500), (0, 0, 0), None),
        ((30e3, 0, 1500), (0, 0, 0), None),
        ((61e3, 0, 5000), (20, 200, 0), Evidence.IN_CORRIDOR),
        ((61e3, 0, 5000), (0, -200, 0), None),
        ((64e3, 0, 5000), (0, 200, 0), Evidence.OFF_CORRIDOR),
        ((82e3, 150e3, 5000), (0, 0, 0), Evidence.THREAT_SIDE),
        ((80.5e3, 150e3, 5000), (0, 0, 0), None),
        ((-50e3, 50e3, 100), (0, 150, 0), Evidence.LOW_FAST),
        ((-50e3, 50e3, 100), (0, 50, 0), None),
        ((-50e3, 50e3, 5000), (0, 150, 0), None),
    ],
)
def test_what_places_and_courses_say(
    position: tuple[float, float, float],
    velocity: tuple[float, float, float],
    kind: Evidence | None,
) -> None:
    east, north, up = position
    up -= float(FRAME.height_m_of(np.array([[east, north, 0.0]]))[0])  # the earth is round
    found = judged(tracks_at((east, north, up), velocity=velocity))
    bits = Evidence(int(found.evidence[0]))
    if kind is None or kind == Evidence.OFF_CORRIDOR:
        assert bits == (kind or 0) or bits == Evidence.OFF_CORRIDOR
    else:
        assert kind in bits


def test_who_came_across_the_border_stays_one_who_did() -> None:
    by = identifier()
    assert judged(tracks_at((90e3, 100e3, 5e3)), by).evidence[0] & Evidence.THREAT_SIDE
    assert judged(tracks_at((70e3, 100e3, 5e3)), by).evidence[0] & Evidence.THREAT_SIDE
    assert not judged(tracks_at((70e3, 100e3, 5e3), first_number=2), by).evidence[0] & (
        Evidence.THREAT_SIDE
    )


def test_a_border_with_a_corner_has_its_side_at_the_corner() -> None:
    # East, then sharply back north-west: its left is the wedge between the legs.
    wedge = Frontier(np.array([[-50e3, 0], [0, 0], [-50e3, 20e3]]), threat_left=True)
    place = np.array([[-20e3, 4e3], [30e3, 1e3], [30e3, -1e3], [-20e3, -5e3], [-5e3, 30e3]])
    assert wedge.beyond(place, 100.0).tolist() == [True, False, False, False, False]


def test_cooperation_counts_once_and_an_uncorroborated_report_not_as_replies() -> None:
    reporter = tracks_at(NOWHERE, replies=(0, 9, 0), sensors=2)
    honest = judged(reporter)
    assert honest.evidence[0] == Evidence.CIVIL_REPLY
    assert honest.tracks.identity[0] == Identity.NEUTRAL
    forged = judged(reporter, doubted=(1,))
    assert forged.evidence[0] == Evidence.UNCORROBORATED
    assert forged.probability[0, HOSTILE] > honest.probability[0, HOSTILE]
    assert judged(tracks_at(NOWHERE, sensors=2)).evidence[0] == Evidence.REPORT
    plain = judged(tracks_at(NOWHERE, sensors=2), identifier(without=["reports"]), silences=4)
    assert plain.evidence[0] == Evidence.SILENCE


# --- what is told


def test_reasons_are_told_when_an_identity_changes() -> None:
    by = identifier()
    tracks = tracks_at((13.4e3, 0, 500), velocity=(-60, 0, 0))
    (told,) = judged(tracks, by, silences=5, target_class="one-way-attack-drone", sure=0.83).reasons
    assert told[0] == 1
    assert told[1].startswith("hostile (0.98)")
    assert told[1].endswith(
        ": no reply to 5 interrogations; off every corridor; heads for base, 140 s to go; "
        "one-way attack drone 0.83"
    )
    assert by.reasons(1) == told[1]
    assert by.reasons(7) is None
    assert judged(
        tracks, by, silences=5, target_class="one-way-attack-drone", sure=0.83
    ).reasons == ()  # fmt: skip
    (quiet,) = judged(tracks_at((-90e3, 0, 5000))).reasons
    assert quiet == (1, "unknown (neutral 0.50): no evidence")


def test_bits_alone_in_words() -> None:
    both = int(Evidence.SILENCE | Evidence.RESTRICTED)
    assert in_words(both) == ["no reply to interrogation", "in a restricted area"]
    assert in_words(0) == []


def test_tentative_tracks_are_pending_and_rows_keep_their_order() -> None:
    two = tracks_at(NOWHERE, NOWHERE)
    two.number[:] = 9, 4
    two.replies[0] = 0, 0, 5
    status = np.array([TrackStatus.COASTING, TrackStatus.TENTATIVE], np.uint8)
    found = judged(replace(two, status=status))
    assert found.tracks.identity.tolist() == [Identity.FRIEND, Identity.PENDING]
    assert found.evidence.tolist() == [Evidence.MILITARY_REPLY, 0]
    assert np.isnan(found.probability[1]).all()
    swapped = judged(replace(two, number=two.number[::-1].copy()))
    assert swapped.tracks.identity.tolist() == [Identity.FRIEND, Identity.UNKNOWN]


def test_an_empty_picture_and_broken_numbers() -> None:
    empty = judged(Tracks.empty())
    assert (len(empty.tracks), empty.probability.shape, empty.reasons) == (0, (0, 3), ())
    nan = float("nan")
    broken = tracks_at((nan, nan, nan), velocity=(nan, nan, nan))
    found = judged(broken, silences=nan)
    assert found.evidence[0] == 0
    np.testing.assert_allclose(found.probability[0], MODEL.prior)


@pytest.mark.parametrize("source", ["behaviour", "class", "silence", "border", "areas"])
def test_a_source_that_is_left_out_says_nothing(source: str) -> None:
    tracks = tracks_at((90e3, 0, 100), (30e3, 0, 100), velocity=(-120, 0, 0))
    full = judged(tracks, silences=4, target_class="cruise-missile")
    less = judged(tracks, identifier(without=[source]), silences=4, target_class="cruise-missile")
    assert (full.evidence != less.evidence).any()
    assert (full.evidence | less.evidence == full.evidence).all() or source == "class"


def test_priors_of_the_scenario_are_used() -> None:
    by = identifier(priors={"friend": 0.1, "neutral": 0.1, "hostile": 0.8})
    np.testing.assert_allclose(
        judged(tracks_at((-90e3, 0, 5e3)), by).probability[0], [0.1, 0.1, 0.8]
    )


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"priors": {"friend": 0.5, "neutral": 0.5, "hostile": 0.5}}, "sum to 1, found 1.5"),
        ({"thresholds": {"suspect": 0.96}}, "suspect must be below hostile"),
        ({"thresholds": {"neutral": 0.52}}, "two identities could hold at once"),
        ({"without": ["weather"]}, "Input should be"),
        ({"border": {}}, "give either line"),
        ({"border": {"line": "east", "threat_from": "left"}}, "threat_from of its own"),
    ],
)
def test_bad_settings(bad: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Settings(**bad)


def test_650_tracks_are_judged_in_milliseconds() -> None:
    generator = np.random.default_rng(5)
    place = generator.uniform(-100e3, 100e3, (650, 3)) * [1, 1, 0.01]
    tracks = tracks_at(*map(tuple, place), velocity=(-50, 10, 0))
    by, classes = identifier(), generator.dirichlet(np.ones(len(NAMES)), 650)
    quiet, nothing = np.full(650, 3.0), np.empty((0, 2), np.int32)
    by.judge(tracks, classes, quiet, nothing)
    took_s = []
    for _, _ in itertools.product(range(4), range(10)):
        begin = time.process_time()
        by.judge(tracks, classes, quiet, nothing)
        took_s.append(time.process_time() - begin)
    assert min(took_s) < 5e-3  # a loaded machine is slower than a free one

"""Links in outages, and links that noise jammers drown."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stage
from small_scenarios import TEXT, Run, changed, recorded, world_of
from test_jamming import FRAME, NOWHERE, at, jammer, resting
from test_network import numbered_plots

from sim.cli.summary import _links
from sim.core.tables import Plots
from sim.engine.retracking import record_again
from sim.network.jamming import jam_to_signal, jammed_windows
from sim.network.links import Links, Mailbox, Post
from sim.record.recording import Recording
from sim.scenario.sites import LinkRadio
from sim.world.attackers import Attacker, Attackers

AROUND = stage.surroundings(FRAME)
MAST = np.array([0.0, 0.0, 30.0])


def radio(**changes: Any) -> LinkRadio:
    values = {
        "receiver": {"latitude_deg": 50, "longitude_deg": 5},
        "length_km": 25,
        "frequency_ghz": 4.7,
        "bandwidth_mhz": 10,
        "erp_dbw": 20,
    }
    return LinkRadio.model_validate(values | changes)


def ratio_db(link: LinkRadio, place: Any, **given: Any) -> float:
    attacker = Attacker(jammer(**given), 0, NOWHERE)
    ratio = jam_to_signal(link, MAST, attacker, resting([place]), np.zeros(1), AROUND)  # type: ignore[arg-type]
    return 10 * math.log10(ratio[0]) if ratio[0] else -math.inf


@pytest.mark.parametrize("bandwidth_mhz", [2, 100])
def test_the_link_budget(bandwidth_mhz: float) -> None:
    """Twin: received powers in decibels, both ways by the free-space loss."""

    def received_dbw(erp_dbw: float, range_m: float) -> float:
        return erp_dbw - 20 * math.log10(4 * math.pi * range_m * 4.7e9 / 299_792_458.0)

    place = at(70, 60e3, 8e3)
    share_db = 10 * math.log10(min(1.0, 10 / bandwidth_mhz))
    noise = received_dbw(30 - 3, float(np.linalg.norm(place - MAST))) + share_db - 15
    expected = noise - received_dbw(20, 25e3)
    found = ratio_db(
        radio(off_axis_db=-15), place, bandwidth_mhz=bandwidth_mhz, polarisation_loss_db=3
    )
    assert found == pytest.approx(expected, abs=1e-9)


def test_what_does_not_reach_the_receiver_is_no_danger() -> None:
    assert ratio_db(radio(), at(70, 90e3, -500.0)) == -math.inf
    assert ratio_db(radio(frequency_ghz=1.5), at(70, 60e3, 8e3)) == -math.inf
    assert ratio_db(radio(), at(70, 60e3, 8e3), active_s=[[5, 6]]) == -math.inf
    assert ratio_db(radio(), at(70, 60e3, 8e3)) > -math.inf


def test_a_link_is_down_while_a_jammer_is_near() -> None:
    """A flight past the receiver: down within the range that the link budget gives."""
    speed_mps, link, spec = 250.0, radio(jam_to_signal_max_db=0), jammer(erp_dbw=26)
    targets = stage.fakes(
        lambda time_s, row: np.stack(
            [speed_mps * time_s - 80e3, np.full(time_s.size, 10e3), np.full(time_s.size, 6e3)], -1
        ),
        1,
    )
    targets.attackers = Attackers(noise=(Attacker(spec, 0, NOWHERE),))
    reach_m = 25e3 * math.sqrt(spec.erp_w * 0.5 / 100.0)
    half_m = math.sqrt(reach_m**2 - 10e3**2 - (6e3 - 30.0) ** 2)
    ((start, end),) = jammed_windows(link, MAST, targets, AROUND, 640.0, 0.5)  # type: ignore[arg-type]
    assert start == pytest.approx((80e3 - half_m) / speed_mps, abs=0.5)
    assert end == pytest.approx((80e3 + half_m) / speed_mps, abs=0.5)
    # Two that are too weak alone are strong enough together; off in the middle, two windows.
    pair = Attackers(noise=(Attacker(jammer(erp_dbw=23.0), 0, NOWHERE),) * 2)
    targets.attackers = pair
    assert jammed_windows(link, MAST, targets, AROUND, 640.0, 0.5) == ((start, end),)  # type: ignore[arg-type]
    targets.attackers = Attackers(
        noise=(Attacker(jammer(erp_dbw=26, active_s=[[0, 300], [310, 640]]), 0, NOWHERE),)
    )
    windows = jammed_windows(link, MAST, targets, AROUND, 640.0, 0.5)  # type: ignore[arg-type]
    assert windows == ((start, 300.0), (310.0, end))


def links(**given: Any) -> Links:
    return Links(
        np.zeros(2),
        np.array([0.2, 0.0]),
        (((2.0, 5.0), (7.0, 8.0)), ()),
        np.array([1.0, 1.0]),
    )


def test_outages_lose_what_is_sent_then_and_nothing_else() -> None:
    box = Mailbox(links(), [np.random.default_rng(k) for k in range(2)])
    for step in range(20):
        for sensor in range(2):
            box.send(sensor, numbered_plots(sensor, 0.5 * step, 400, 0))
    came = box.receive(math.inf)
    assert (came.sensor == 1).sum() == 20 * 400
    time_s = came.time_s[came.sensor == 0]
    inside = ((time_s >= 2) & (time_s < 5)) | ((time_s >= 7) & (time_s < 8))
    assert not inside.any()
    assert abs(time_s.size - 0.8 * 12 * 400) < 5 * math.sqrt(0.16 * 12 * 400)


def test_reports_are_lost_in_outages() -> None:
    post: Post[int] = Post(links(), [np.random.default_rng(k) for k in range(2)])
    for time_s in range(10):
        post.send(1, float(time_s), time_s)
        for _ in range(30):
            post.send(0, float(time_s), time_s)
    came = post.receive(math.inf)
    assert [what for who, what in came if who == 1] == list(range(10))
    assert {what for who, what in came if who == 0} == {0, 1, 5, 6, 8, 9}


def test_partial_outages_lose_their_share() -> None:
    half = Links(np.zeros(1), np.array([0.1]), (((0.0, 100.0),),), np.array([0.5]))
    box = Mailbox(half, [np.random.default_rng(0)])
    box.send(0, numbered_plots(0, 0.0, 10_000, 0))
    assert abs(len(box.receive(math.inf)) - 5000) < 5 * math.sqrt(2500)


def test_a_scenarios_links_have_its_outages(tmp_path: Path) -> None:
    plain = world_of(tmp_path / "plain")
    assert plain.sites[0].outages == ()
    receiver = "{latitude_deg: 52.0, longitude_deg: 5.0, height_agl_m: 20}"
    radio_text = (
        f"{{receiver: {receiver}, length_km: 20, frequency_ghz: 4.7, bandwidth_mhz: 10, "
        "erp_dbw: 20}"
    )
    link = f"  - {{id: fast, outages: [[10, 20]], outage_loss: 0.75, radio: {radio_text}}}"
    noisy = "  - id: airliner\n    jammer: {preset: escort-jammer, active_s: [[30, 40]]}\n"
    drowned = changed(("  - {id: fast}", link), ("  - id: airliner\n", noisy), text=TEXT)
    sites = world_of(tmp_path / "drowned", drowned).sites
    assert sites[0].outages == ((10.0, 20.0),)
    assert sites[0].jammed == ((30.0, 40.0),)
    assert sites[0].outage_loss == 0.75
    assert sites[1].outages == ()


RECEIVER = "{latitude_deg: 52.0, longitude_deg: 5.0, height_agl_m: 20}"
DOWN = changed(
    (
        "  - {id: fast}",
        "  - {id: fast, outages: [[10, 20]], outage_loss: 0.75, radio: {receiver: "
        f"{RECEIVER}, length_km: 20, frequency_ghz: 4.7, bandwidth_mhz: 10, erp_dbw: 20}}}}",
    ),
    ("  - id: airliner\n", "  - id: airliner\n    jammer: {preset: escort-jammer, "
     "frequency_ghz: [4, 5], active_s: [[30, 70]]}\n"),
)  # fmt: skip


@pytest.fixture(scope="module")
def down(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded(tmp_path_factory.mktemp("down"), DOWN)


def test_links_that_go_down_are_events_and_told(down: Run) -> None:
    recording = Recording.open(down.folder)
    events = recording.table("events").to_pylist()
    assert [
        (e["time_s"], e["event"], e["detail"]) for e in events if e["event"].startswith("link-")
    ] == [
        (10.0, "link-down", "hill: outage"),
        (20.0, "link-up", "hill: outage"),
        (30.0, "link-down", "hill: jammed"),
        (70.0, "link-up", "hill: jammed"),
    ]
    assert [e["time_s"] for e in events] == sorted(e["time_s"] for e in events)
    (link,) = down.outcome.metrics["links"]
    assert (link["id"], link["loss"]) == ("hill", 0.75)
    plots = recording.plots
    for window, cause, begin_s, end_s in zip(
        link["windows"], ("outage", "jammed"), (10.0, 30.0), (20.0, 70.0), strict=True
    ):
        then = (plots.sensor == 0) & (plots.time_s >= begin_s) & (plots.time_s < end_s)
        assert then.sum() > 10
        expected = {"cause": cause, "begin_s": begin_s, "end_s": end_s, "plots": then.sum()}
        assert window == expected
    said = _links(down.outcome.metrics["links"])
    assert said[1].startswith("link of hill jammed from 30 to 70 s: 75% lost of what was sent")


def test_a_jammed_link_tracked_anew_is_down_again(down: Run, tmp_path: Path) -> None:
    """Who jams is not known then, when the link was down is."""
    record_again(Recording.open(down.folder), down.world.spec, tmp_path / "again", lambda _: None)
    for name in ("tracks", "events"):
        file = f"{name}.parquet"
        assert (down.folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), name


def test_no_plots_are_no_trouble() -> None:
    box = Mailbox(links(), [np.random.default_rng(k) for k in range(2)])
    box.send(0, Plots.empty())
    assert len(box.receive(math.inf)) == 0

"""Links: what arrives, when, and in what order."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from small_scenarios import changed, world_of

from sim.core.tables import Plots
from sim.engine.step import run
from sim.engine.world import World
from sim.network.links import Links, Mailbox, Post
from sim.tracking import Tracker

STEP_S = 0.5


def mailbox(latency_s: list[float], loss: list[float], seed: int = 1) -> Mailbox:
    generators = [np.random.default_rng([seed, k]) for k in range(len(loss))]
    return Mailbox(Links(np.array(latency_s), np.array(loss)), generators)


def numbered_plots(sensor: int, start_s: float, count: int, first: int) -> Plots:
    """Plots of one step, in order of time, that tell themselves apart by their SNR."""
    chance = np.random.default_rng([sensor, first])
    return Plots(
        time_s=start_s + STEP_S * np.sort(1.0 - chance.random(count)),
        sensor=np.full(count, sensor, np.int32),
        measurement=np.ones((count, 4)),
        sigma=np.ones((count, 4)),
        snr_db=first + np.arange(count, dtype=float),
        reply=np.zeros(count, np.uint8),
        truth_id=np.arange(count, dtype=np.int32),
    )


def exchanged(box: Mailbox, steps: int, count: int = 40) -> tuple[Plots, list[Plots]]:
    """Send every sensor's plots step by step; return all, and what came at each step."""
    sent, received = [], []
    serial = 0
    for step in range(steps):
        for sensor in range(box.links.loss.size):
            plots = numbered_plots(sensor, step * STEP_S, count, serial)
            serial += count
            sent.append(plots)
            box.send(sensor, plots)
        received.append(box.receive((step + 1) * STEP_S - box.links.hold_back_s))
    return Plots.concatenate(sent), received


@pytest.mark.parametrize("latency_s", [[0.0, 0.0], [1.5, 0.0], [0.2, 0.7, 3.1], [2.0, 2.0]])
def test_plots_arrive_once_and_in_order_of_time(latency_s: list[float]) -> None:
    box = mailbox(latency_s, [0.0] * len(latency_s))
    sent, received = exchanged(box, 40)
    hold_back_s = max(latency_s)
    heard_s = -math.inf
    for step, plots in enumerate(received):
        now_s = (step + 1) * STEP_S
        if len(plots):
            assert plots.time_s.min() > heard_s
            assert plots.time_s.max() <= now_s - hold_back_s
        heard_s = now_s - hold_back_s
    arrived = Plots.concatenate(received)
    due = sent.take(sent.time_s <= 40 * STEP_S - hold_back_s)
    assert len(arrived) == len(due) > 0
    assert set(arrived.sensor) == set(range(len(latency_s)))
    one, other = np.argsort(arrived.snr_db), np.argsort(due.snr_db)
    for field in fields(Plots):
        np.testing.assert_array_equal(
            getattr(arrived, field.name)[one], getattr(due, field.name)[other]
        )
    rest = box.receive(math.inf)
    assert len(rest) + len(arrived) == len(sent)
    assert len(box.receive(math.inf)) == 0


@pytest.mark.parametrize("loss", [0.01, 0.3, 0.9])
def test_the_stated_share_is_lost(loss: float) -> None:
    box = mailbox([0.0, 1.0], [loss, 0.0])
    sent, received = exchanged(box, 100, count=200)
    arrived = Plots.concatenate([*received, box.receive(math.inf)])
    n = 100 * 200
    assert (arrived.sensor == 1).sum() == n
    lost = n - int((arrived.sensor == 0).sum())
    assert abs(lost - n * loss) < 5.0 * math.sqrt(n * loss * (1.0 - loss))
    assert np.unique(arrived.snr_db).size == len(arrived)
    # Chance alone decides: neither the place in the batch nor the batch matters.
    missing = np.setdiff1d(sent.snr_db[sent.sensor == 0], arrived.snr_db) % 400
    assert abs(missing.mean() - 99.5) < 5.0 * 200 / math.sqrt(12.0 * lost)


def test_what_is_lost_depends_on_the_link_alone() -> None:
    alone = mailbox([0.0], [0.5])
    beside = mailbox([0.0, 0.0], [0.5, 0.5])
    kept = []
    for box in (alone, beside):
        for step in range(20):
            box.send(0, numbered_plots(0, step * STEP_S, 30, 30 * step))
            if box is beside:
                box.send(1, numbered_plots(1, step * STEP_S, 17, 10_000 + 17 * step))
        arrived = box.receive(math.inf)
        kept.append(arrived.snr_db[arrived.sensor == 0])
    np.testing.assert_array_equal(kept[0], kept[1])
    assert 200 < kept[0].size < 400


def test_an_empty_mailbox_hands_over_nothing() -> None:
    box = mailbox([1.0], [0.5])
    box.send(0, Plots.empty())
    assert len(box.receive(10.0)) == 0
    assert Links(np.empty(0), np.empty(0)).hold_back_s == 0.0


def test_messages_arrive_whole_late_and_in_order() -> None:
    chances = [np.random.default_rng(k) for k in range(2)]
    post: Post[str] = Post(Links(np.array([0.3, 0.0]), np.zeros(2)), chances)
    came = []
    for step in range(10):
        post.send(0, 0.1 * step, f"a{step}")
        post.send(1, 0.1 * step, f"b{step}")
        came.append(post.receive(0.1 * step))
    for step, messages in enumerate(came):
        late = [(0, f"a{step - 3}")] if step >= 3 else []
        assert messages == [*late, (1, f"b{step}")]
    assert [what for _, what in post.receive(math.inf)] == ["a7", "a8", "a9"]
    assert post.receive(math.inf) == []


def test_messages_are_lost_by_their_own_link() -> None:
    n = 5000
    kept = []
    for senders in (1, 2):
        chances = [np.random.default_rng([5, k]) for k in range(senders)]
        post: Post[int] = Post(Links(np.zeros(senders), np.array([0.3, 0.8])[:senders]), chances)
        for k in range(n):
            for who in range(senders):
                post.send(who, float(k), k)
        kept.append([what for who, what in post.receive(math.inf) if who == 0])
    assert kept[0] == kept[1]
    assert abs(len(kept[0]) - 0.7 * n) < 5.0 * math.sqrt(0.21 * n)


def with_networks(folder: Path, **links: str) -> World:
    changes = [(f"{{id: {name}}}", f"{{id: {name}, {how}}}") for name, how in links.items()]
    return world_of(folder, changed(*changes))


def test_latency_delays_the_picture_and_changes_nothing_else(tmp_path: Path) -> None:
    at_once = list(run(with_networks(tmp_path / "a", fast="latency_s: 0", slow="latency_s: 0")))
    late = list(run(with_networks(tmp_path / "b", fast="latency_s: 0.5", slow="latency_s: 3")))
    for now, then in zip(late[3:], at_once[:-3], strict=True):
        assert now.time_s == then.time_s + 3.0
        for name in ("number", "hits", "last_plot_s", "sensors", "replies", "status", "identity"):
            np.testing.assert_array_equal(
                getattr(now.tracks, name), getattr(then.tracks, name), name
            )
        np.testing.assert_array_equal(now.tracks.velocity_enu_mps, then.tracks.velocity_enu_mps)
        np.testing.assert_allclose(
            now.tracks.position_enu_m,
            then.tracks.position_enu_m + 3.0 * then.tracks.velocity_enu_mps,
            atol=1e-6,
        )
        assert now.tracks.time_s == now.time_s
    assert all(len(snapshot.tracks) == 0 for snapshot in late[:3])
    assert len(at_once[0].tracks) > 0
    assert late[-1].rejected == 0


def test_sensors_lose_plots_on_their_own_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Plots] = []
    process = Tracker.process

    def spy(self: Tracker, plots: Plots, until_s: float | None = None) -> None:
        given.append(plots)
        process(self, plots, until_s)

    monkeypatch.setattr(Tracker, "process", spy)
    world = with_networks(tmp_path, fast="loss: 0.4")
    made = Plots.concatenate([snapshot.plots for snapshot in run(world)])
    heard = Plots.concatenate(given)
    assert [sensor.id for sensor in world.sensors] == ["mobile", "approach-radar"]
    assert (heard.sensor == 1).sum() == (made.sensor == 1).sum() > 50
    n = int((made.sensor == 0).sum())
    lost = n - int((heard.sensor == 0).sum())
    assert abs(lost - 0.4 * n) < 5.0 * math.sqrt(0.24 * n)
    assert np.isin(heard.time_s, made.time_s).all()

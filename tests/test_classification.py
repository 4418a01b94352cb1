"""Classes of tracks: calibrated probabilities from motion, echo and replies."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, norm

from sim.core.tables import Reply
from sim.picture.class_models import (
    CLIMB,
    DOPPLER,
    FADING_DB,
    HEIGHT,
    SPEED,
    TURN,
    feature_log_density,
    generic_models,
    reply_log_likelihood,
)
from sim.picture.classification import Classifier, rcs_from_snr
from sim.picture.echoes import Echoes

Floats = NDArray[np.float64]
MODELS = generic_models()
NAMES = MODELS.names
C = len(NAMES)


def named(name: str) -> int:
    return NAMES.index(name)


class Population:
    """Targets drawn from the class models; every feature is kept, and drawn anew at random.

    Drawn anew at the rate 1/τ, a feature has correlation exp(−Δt/τ).
    """

    def __init__(self, kind: NDArray[np.intp], rng: np.random.Generator) -> None:
        self.kind, self.rng = kind, rng
        self.features = self.draw(kind)
        self.level = MODELS.rcs_spread_db[kind] * rng.standard_normal(kind.size)
        self.carried = (rng.random((kind.size, 1)) > MODELS.transponder[kind].cumsum(1)).sum(1)
        self.counts = np.zeros((kind.size, 3), np.int32)

    def draw(self, kind: NDArray[np.intp]) -> Floats:
        rng = self.rng
        found = np.empty((kind.size, 5))
        for k in (SPEED, HEIGHT, DOPPLER):
            log = MODELS.log_median[k, kind] + MODELS.log_deviation[k, kind] * rng.standard_normal(
                kind.size
            )
            found[:, k] = np.exp(log) - MODELS.floor[k]
        for k in (CLIMB, TURN):
            steady = rng.random(kind.size) < MODELS.steady_share
            deviation = np.where(
                steady, MODELS.steady_deviation[k - CLIMB], MODELS.active_deviation[k - CLIMB, kind]
            )
            found[:, k] = deviation * rng.standard_normal(kind.size)
        return found

    def move(self, dt: float) -> None:
        rng, n = self.rng, self.kind.size
        anew = rng.random((n, 5)) > np.exp(-dt / MODELS.correlation_s)
        stray = rng.random((n, 5)) < MODELS.outlier_share
        other = np.full(n, C - 1)
        fresh = np.where(stray, self.draw(other), self.draw(self.kind))
        self.features = np.where(anew, fresh, self.features)
        a = math.exp(-dt / MODELS.rcs_correlation_s)
        spread = MODELS.rcs_spread_db[self.kind]
        self.level = a * self.level + math.sqrt(1 - a * a) * spread * rng.standard_normal(n)

    def look(self) -> Floats:
        """Radar cross-sections of one look; one interrogation."""
        rng, n = self.rng, self.kind.size
        wrong = rng.random(n)
        heard = np.where(
            (self.carried > 0) & (wrong < 0.1),
            0,
            np.where(wrong > 0.997, (self.carried + 1) % 3, self.carried),
        )
        self.counts[np.arange(n), heard] += 1
        fading = 10.0 * np.log10(rng.exponential(size=n))
        error = MODELS.rcs_error_db * rng.standard_normal(n)
        return MODELS.rcs_dbsm[self.kind] + self.level + fading + error

    def show(self, classifier: Classifier, time_s: float) -> None:
        rcs = self.look()
        classifier.observe(
            np.arange(self.kind.size),
            time_s,
            speed_mps=self.features[:, SPEED],
            height_m=self.features[:, HEIGHT],
            climb_mps=self.features[:, CLIMB],
            turn_acceleration_mps2=self.features[:, TURN],
            doppler_spread_mps=self.features[:, DOPPLER],
            rcs_dbsm=rcs,
            reply_counts=self.counts,
        )


def drawn_from_prior(n: int, rng: np.random.Generator) -> Population:
    return Population(rng.integers(C, size=n), rng)


def reliability(probability: Floats, kind: NDArray[np.intp], bins: int = 10) -> list[list[float]]:
    """Rows of (stated mean, how many, how many true) over bins of stated probability."""
    true = np.eye(C, dtype=bool)[kind].ravel()
    stated = probability.ravel()
    index = np.minimum((stated * bins).astype(int), bins - 1)
    return [
        [stated[index == b].mean(), (index == b).sum(), true[index == b].sum()]
        for b in range(bins)
        if (index == b).sum() > 50
    ]


def faded(
    look: float, mean: float, deviation: float, least: float = -math.inf
) -> tuple[float, float, float]:
    """Density of a look in decibels that fades about a normal mean; mean and variance after it."""
    power, limit = 10 ** (look / 10), 10 ** (least / 10)
    at = mean + deviation * np.linspace(-4, 4, 33)
    of_mean = 10 ** (at / 10)
    density = power / of_mean * np.exp(-(power - limit) / of_mean) * math.log(10) / 10
    weight = norm.pdf(at, mean, deviation)
    weight *= density / weight.sum()
    found = (weight * at).sum() / weight.sum()
    return float(weight.sum()), found, (weight * (at - found) ** 2).sum() / weight.sum()


def scalar_posterior(
    time_s: list[float], features: list[list[float]], rcs: list[float], counts: list[int]
) -> Floats:
    """One track, one class at a time, in plain numbers: the classifier's obvious twin."""
    log = np.log(np.r_[np.full(C - 1, 0.95 / (C - 1)), 0.05])
    m = MODELS

    def density(k: int, value: float, c: int) -> float:
        def own(c: int) -> float:
            if k in (CLIMB, TURN):
                steady = norm.pdf(value, 0, m.steady_deviation[k - CLIMB])
                active = norm.pdf(value, 0, m.active_deviation[k - CLIMB, c])
                return float(m.steady_share * steady + (1 - m.steady_share) * active)
            y = math.log(max(value, 0.0) + m.floor[k])
            return float(norm.pdf(y, m.log_median[k, c], m.log_deviation[k, c]))

        return (1 - m.outlier_share) * own(c) + m.outlier_share * own(C - 1)

    for c in range(C):
        for k in range(5):
            seen = [(t, row[k]) for t, row in zip(time_s, features, strict=True)]
            seen = [(t, value) for t, value in seen if not math.isnan(value)]
            tau = m.correlation_s[k]
            for i, (t, value) in enumerate(seen):
                # Weights of the best linear estimate of an autoregression's mean.
                before = math.exp(-(t - seen[i - 1][0]) / tau) if i else 0.0
                after = math.exp(-(seen[i + 1][0] - t) / tau) if i + 1 < len(seen) else 0.0
                weight = 1 / (1 + before) + 1 / (1 + after) - 1
                log[c] += weight * math.log(density(k, value, c))
        mean, variance, last = m.rcs_dbsm[c], m.rcs_spread_db[c] ** 2, None
        for t, look in zip(time_s, rcs, strict=True):
            if math.isnan(look):
                continue
            a = math.exp(-(t - last) / m.rcs_correlation_s) if last is not None else 1.0
            mean = m.rcs_dbsm[c] + a * (mean - m.rcs_dbsm[c])
            variance = a * a * variance + (1 - a * a) * m.rcs_spread_db[c] ** 2
            total = variance + m.rcs_error_db**2
            right, found, left = faded(look, mean, math.sqrt(total))
            right *= 1 - m.outlier_share
            wide = math.hypot(m.rcs_spread_db[-1], m.rcs_error_db)
            stray = m.outlier_share * faded(look, m.rcs_dbsm[-1], wide)[0]
            log[c] += math.log(right + stray)
            trust = right / (right + stray)
            shift = trust * (found - mean)
            left = trust * (left + (found - mean) ** 2) + (1 - trust) * total - shift**2
            gain = variance / total
            mean, last = mean + gain * shift, t
            variance -= gain**2 * (total - left)
        answers = [[0.994, 0.003, 0.003], [0.1, 0.897, 0.003], [0.1, 0.003, 0.897]]
        heard = [min(counts[0], 3), counts[1], counts[2]]
        log[c] += math.log(
            sum(
                m.transponder[c, carried] * math.prod(np.power(answers[carried], heard))
                for carried in range(3)
            )
        )
    weight = np.exp(log - log.max())
    return weight / weight.sum()


def test_equals_its_scalar_twin_with_gaps() -> None:
    rng = np.random.default_rng(4)
    n = 7
    times = [0.0, 1.0, 5.0, 5.0, 40.0, 400.0]
    population = drawn_from_prior(n, rng)
    shown, looks = [], []
    classifier = Classifier()
    numbers = rng.permutation(n).astype(np.int32) * 3 - 5
    for time_s in times:
        population.move(20.0)
        looks.append(np.where(rng.random(n) < 0.3, np.nan, population.look()))
        shown.append(np.where(rng.random((n, 5)) < 0.3, np.nan, population.features))
        features = shown[-1]
        order = rng.permutation(n)  # tracks may come in any order
        classifier.observe(
            numbers[order],
            time_s,
            speed_mps=features[order, SPEED],
            height_m=features[order, HEIGHT],
            climb_mps=features[order, CLIMB],
            turn_acceleration_mps2=features[order, TURN],
            doppler_spread_mps=features[order, DOPPLER],
            rcs_dbsm=looks[-1][order],
            reply_counts=population.counts[order],
        )
    found = classifier.probabilities(numbers)
    for i in range(n):
        expected = scalar_posterior(
            times,
            [row[i].tolist() for row in shown],
            [float(look[i]) for look in looks],
            population.counts[i].tolist(),
        )
        np.testing.assert_allclose(found[i], expected, rtol=1e-8, atol=1e-12)


def test_models_hold_probabilities_and_finite_numbers() -> None:
    np.testing.assert_allclose(MODELS.transponder.sum(axis=1), 1.0)
    assert (MODELS.transponder > 0).all()
    assert NAMES[-1] == "other"
    for name in ("log_deviation", "active_deviation", "rcs_spread_db"):
        assert (getattr(MODELS, name) > 0).all(), name
    assert MODELS.log_median.shape == (3, C)
    # 3GPP's small uncrewed aircraft, fading as a Swerling 1 echo.
    assert MODELS.rcs_dbsm[named("mini-drone")] == pytest.approx(-12.8)


def test_fading_in_decibels_is_that_of_swerling_echoes() -> None:
    rng = np.random.default_rng(1)
    one = 10 * np.log10(rng.exponential(size=400_000))
    three = 10 * np.log10(rng.gamma(2, 1 / 2, 400_000))
    np.testing.assert_allclose(FADING_DB, [one.mean(), one.std()], atol=0.03)
    # Of case 3, the mean logarithm counts: what fades exponentially about it has the same.
    decoy = MODELS.rcs_dbsm[named("decoy")]
    assert decoy - 0.0 == pytest.approx(three.mean() - one.mean(), abs=0.03)


def test_an_echo_from_an_unsure_place_moves_two_beliefs() -> None:
    """Mean echo and error of the place after a look, by summing over both on a grid."""
    look, least, sigma = 4.0, -1.0, 7.0
    c = named("cruise-missile")
    classifier = Classifier(replace(MODELS, outlier_share=1e-12))
    number, nothing = np.array([1], np.int32), np.full((1, 5), np.nan)
    echoes = Echoes(np.full((1, C), look), np.full((1, C), least), np.full((1, C), sigma))
    classifier.take_in(number, 0.0, nothing, np.zeros((1, 5)), np.array([0]), echoes, None)
    rcs = MODELS.rcs_dbsm[c] + MODELS.rcs_spread_db[c] * np.linspace(-4, 4, 161)[:, None]
    place = np.linspace(-4, 4, 161)[None, :]
    weight = norm.pdf(rcs, MODELS.rcs_dbsm[c], MODELS.rcs_spread_db[c]) * norm.pdf(place)
    weight /= weight.sum()
    total = np.zeros_like(weight)
    for error in np.linspace(-4, 4, 41):
        of_mean = 10 ** ((rcs + sigma * place + MODELS.rcs_error_db * error) / 10)
        x, x0 = 10 ** (look / 10), 10 ** (least / 10)
        total += norm.pdf(error) * 0.2 * x / of_mean * np.exp(-(x - x0) / of_mean)
    weight *= total * math.log(10) / 10
    belief = classifier._belief
    assert belief.evidence[0, c] == pytest.approx(math.log(weight.sum()), abs=0.01)
    weight /= weight.sum()
    means = [(weight * each).sum() for each in (rcs, place)]
    assert belief.rcs_mean[0, c] == pytest.approx(means[0], abs=0.05)
    assert belief.place_mean[0, c] == pytest.approx(means[1], abs=0.02)
    assert belief.rcs_variance[0, c] == pytest.approx(
        (weight * (rcs - means[0]) ** 2).sum(), rel=0.02
    )
    assert belief.place_variance[0, c] == pytest.approx(
        (weight * (place - means[1]) ** 2).sum(), rel=0.02
    )
    both = (weight * (rcs - means[0]) * (place - means[1])).sum()
    assert belief.covariance[0, c] == pytest.approx(both, abs=0.05)


def test_what_barely_shows_from_afar_is_no_far_weaker_target() -> None:
    """Looks that exceed the threshold by some decibels are of targets that are seen often."""
    rng = np.random.default_rng(5)
    power = rng.exponential(10**0.5, 4000)
    seen = 10 * np.log10(power[power > 2.0])[:100]
    classifier = Classifier()
    for k, look in enumerate(seen):
        classifier.observe(
            [1], 2.0 * k, speed_mps=[235.0], rcs_dbsm=[look], rcs_least_dbsm=[10 * math.log10(2.0)]
        )
    found = classifier.probabilities([1])[0]
    assert found[named("fighter")] > 30 * found[named("cruise-missile")]


def test_nothing_seen_leaves_the_prior() -> None:
    classifier = Classifier()
    prior = classifier.probabilities([7])
    np.testing.assert_allclose(prior.sum(), 1.0)
    assert prior[0, -1] == pytest.approx(0.05)
    nothing = np.full(2, np.nan)
    classifier.observe([7, 9], 0.0, speed_mps=nothing, rcs_dbsm=nothing)
    classifier.observe([7, 9], 1.0, reply_counts=np.zeros((2, 3)), height_m=np.full(2, np.inf))
    np.testing.assert_allclose(classifier.probabilities([7, 9, 12]), prior.repeat(3, 0))


def test_an_empty_picture() -> None:
    classifier = Classifier()
    classifier.observe([], 0.0, speed_mps=[], reply_counts=np.zeros((0, 3)))
    assert classifier.probabilities([]).shape == (0, C)
    assert len(classifier) == 0


def test_dropped_tracks_are_forgotten() -> None:
    classifier = Classifier()
    for k in range(50):
        classifier.observe([k, k + 1], float(k), speed_mps=[240.0, 12.0])
        assert len(classifier) == 2
    prior = classifier.probabilities([-3])
    np.testing.assert_array_equal(classifier.probabilities([3]), prior)
    assert abs(classifier.probabilities([50]) - prior).max() > 0.05


def test_evidence_of_one_track_is_not_anothers() -> None:
    alone, together = Classifier(), Classifier()
    alone.observe([5], 0.0, speed_mps=[12.0])
    alone.observe([5], 60.0, height_m=[90.0])
    together.observe([1, 5], 0.0, speed_mps=[250.0, 12.0])
    together.observe([2, 5, 3], 60.0, height_m=[9000.0, 90.0, 1.0])
    np.testing.assert_allclose(together.probabilities([5]), alone.probabilities([5]))


def test_a_value_repeated_at_once_is_not_counted_again() -> None:
    once, often = Classifier(), Classifier()
    once.observe([1], 0.0, speed_mps=[60.0], climb_mps=[3.0])
    for k in range(1000):
        often.observe([1], 1e-4 * k, speed_mps=[60.0], climb_mps=[3.0])
    np.testing.assert_allclose(often.probabilities([1]), once.probabilities([1]), rtol=2e-2)


def test_values_far_apart_count_in_full() -> None:
    one = feature_log_density(np.array([[60.0, 0, 0, 0, 0]]), MODELS)[0, SPEED]
    classifier = Classifier()
    for k in range(3):
        classifier.observe([1], 1e5 * k, speed_mps=[60.0])
    prior = Classifier().probabilities([1])[0]
    expected = prior * np.exp(3 * one)
    np.testing.assert_allclose(classifier.probabilities([1])[0], expected / expected.sum())


def test_evidence_does_not_depend_on_the_rate_of_looks() -> None:
    """A hundred times as many looks at a steady value tell hardly more."""
    slow, fast = Classifier(), Classifier()
    for k in range(61):
        slow.observe([1], 10.0 * k, speed_mps=[45.0])
    for k in range(6001):
        fast.observe([1], 0.1 * k, speed_mps=[45.0])
    np.testing.assert_allclose(slow.probabilities([1]), fast.probabilities([1]), atol=0.01)


@pytest.mark.parametrize(
    ("speed", "height", "rcs", "doppler", "civil", "expected"),
    [
        (235.0, 10_500.0, 14.0, 3.0, 9, "airliner"),
        (240.0, 120.0, -16.0, 1.0, 0, "cruise-missile"),
        (14.0, 80.0, -14.0, 9.0, 0, "mini-drone"),
        (15.0, 300.0, -22.0, 1.5, 0, "bird"),
        (55.0, 300.0, 4.0, 50.0, 9, "helicopter"),
        (50.0, 800.0, -16.0, 5.0, 0, "one-way-attack-drone"),
        (1400.0, 60_000.0, -6.0, 1.5, 0, "ballistic-missile"),
    ],
)
def test_plain_cases(
    speed: float, height: float, rcs: float, doppler: float, civil: int, expected: str
) -> None:
    classifier = Classifier()
    for k in range(20):
        classifier.observe(
            [1],
            6.0 * k,
            speed_mps=[speed],
            height_m=[height],
            rcs_dbsm=[rcs],
            doppler_spread_mps=[doppler],
            reply_counts=[[k if not civil else 0, min(k, civil), 0]],
        )
    probability = classifier.probabilities([1])[0]
    assert NAMES[int(probability.argmax())] == expected
    assert probability.max() > 0.5


def test_what_no_class_describes_is_other() -> None:
    """Slow as a drone, at airliner height, as large as a ship, tumbling like a propeller."""
    classifier = Classifier()
    for k in range(30):
        classifier.observe(
            [1], 20.0 * k, speed_mps=[25.0], height_m=[15_000.0], rcs_dbsm=[32.0],
            doppler_spread_mps=[90.0],
        )  # fmt: skip
    assert classifier.probabilities([1])[0, -1] > 0.9


def test_steady_looks_are_no_mark_of_a_class() -> None:
    """A sensor that averages its echoes turns no drone into a bird."""
    classifier = Classifier()
    for k in range(60):
        classifier.observe([1], float(k), rcs_dbsm=[-13.0])
    probability = classifier.probabilities([1])[0]
    assert probability[named("mini-drone")] > probability[named("bird")]


def test_one_glitch_does_not_overturn_a_class() -> None:
    classifier = Classifier()
    airliner = named("airliner")
    for k in range(10):
        speed = 3000.0 if k == 5 else 230.0
        rcs = 60.0 if k == 5 else 13.0
        classifier.observe(
            [1], 60.0 * k, speed_mps=[speed], height_m=[10_000.0], rcs_dbsm=[rcs],
            reply_counts=[[0, k, 0]],
        )  # fmt: skip
    assert classifier.probabilities([1])[0, airliner] > 0.8


def test_replies_settle_what_is_carried_and_no_more() -> None:
    few = reply_log_likelihood(np.array([[0.0, 4, 0]]), MODELS.transponder)[0]
    many = reply_log_likelihood(np.array([[0.0, 4000, 0]]), MODELS.transponder)[0]
    np.testing.assert_allclose(few - few[0], many - many[0], atol=1e-3)
    share = np.log(MODELS.transponder[:, Reply.CIVIL])
    np.testing.assert_allclose(many - many[0], share - share[0], atol=1e-6)
    silent = reply_log_likelihood(np.array([[900.0, 3, 0]]), MODELS.transponder)[0]
    assert silent[named("airliner")] > silent[named("bird")] + 3  # silences are capped
    neither = reply_log_likelihood(np.zeros((1, 3)), MODELS.transponder)[0]
    np.testing.assert_allclose(neither, 0.0, atol=1e-12)


def test_rcs_from_snr_inverts_the_radar_equation() -> None:
    rcs = np.array([-12.8, 5.0, 20.0])
    distance = np.array([800.0, 40e3, 300e3])
    snr = 60.0 + rcs - 40 * np.log10(distance / 1e3)
    np.testing.assert_allclose(rcs_from_snr(snr, distance, 60.0), rcs)
    assert math.isnan(float(rcs_from_snr(10.0, 0.0, 60.0)))
    assert np.isnan(rcs_from_snr([np.nan, 3.0], [1e3, np.nan], 60.0)).all()


def test_input_that_does_not_fit() -> None:
    classifier = Classifier()
    with pytest.raises(ValueError, match="once"):
        classifier.observe([1, 1], 0.0)
    with pytest.raises(ValueError, match="speed_mps must have shape"):
        classifier.observe([1, 2], 0.0, speed_mps=[1.0])
    with pytest.raises(ValueError, match="reply_counts"):
        classifier.observe([1], 0.0, reply_counts=[[1, -1, 0]])
    classifier.observe([1], 5.0)
    with pytest.raises(ValueError, match="backwards"):
        classifier.observe([1], 4.0)
    with pytest.raises(ValueError, match="prior"):
        Classifier(prior=np.ones(2))
    with pytest.raises(ValueError, match="prior"):
        Classifier(prior=np.zeros(C))


def test_the_prior_counts() -> None:
    weight = np.ones(C)
    weight[named("bird")] = 1e6
    eager = Classifier(prior=weight)
    eager.observe([1], 0.0, speed_mps=[15.0])
    assert eager.probabilities([1])[0, named("bird")] > 0.99


def even() -> Floats:
    return np.ones(C)


@pytest.mark.slow
def test_one_sight_is_calibrated() -> None:
    """Drawn from the models, of what is stated p, a share of p is true (99.9 % bounds)."""
    rng = np.random.default_rng(11)
    population = drawn_from_prior(40_000, rng)
    classifier = Classifier(replace(MODELS, outlier_share=1e-12), prior=even())
    population.show(classifier, 0.0)
    probability = classifier.probabilities(np.arange(population.kind.size))
    rows = reliability(probability, population.kind)
    assert len(rows) == 10
    for stated, count, true in rows:
        low, high = binom.interval(0.999, int(count), stated)
        assert low <= true <= high, (stated, count, true)


@pytest.mark.slow
def test_calibrated_in_time_and_ever_better() -> None:
    """Of what is stated p, a share of p is true: 99.9 % bounds, and 0.02 for the sequence model.

    Whoever takes every look as news is far too sure.
    """
    rng = np.random.default_rng(12)
    n = 6000
    population = drawn_from_prior(n, rng)
    classifier = Classifier(prior=even())
    credulous = Classifier(replace(MODELS, correlation_s=np.full(5, 1e-9)), prior=even())
    accuracy = []
    for k in range(121):
        if k:
            population.move(5.0)
        population.show(classifier, 5.0 * k)
        if k <= 24:
            population.show(credulous, 5.0 * k)
        if k in (0, 4, 24, 120):
            probability = classifier.probabilities(np.arange(n))
            accuracy.append((probability.argmax(axis=1) == population.kind).mean())
            for stated, count, true in reliability(probability, population.kind):
                low = binom.ppf(0.0005, int(count), max(stated - 0.02, 0.0))
                high = binom.ppf(0.9995, int(count), min(stated + 0.02, 1.0))
                assert low <= true <= high, (k, stated, count, true)
    assert (np.diff(accuracy) > 0.01).all(), accuracy
    stated, count, true = reliability(credulous.probabilities(np.arange(n)), population.kind)[-1]
    assert stated - true / count > 0.1

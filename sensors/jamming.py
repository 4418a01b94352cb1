"""Noise jamming of a radar: what it adds to the receiver's noise, and where an echo burns through.

``docs/electronic-warfare.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sensors.detection import BOLTZMANN_J_PER_K, SPEED_OF_LIGHT_MPS
from sim.core.tables import Visibility
from sim.world.windows import is_on

if TYPE_CHECKING:
    from sensors.antenna import Antenna
    from sensors.sight import Sight
    from sensors.way import Way
    from sim.core.tables import Bools, Floats
    from sim.world.attackers import Attacker
    from sim.world.electronic_attack import NoiseJammer, RadarAttack
    from sim.world.truth import Targets

_VISIBLE = int(Visibility.VISIBLE)


def jam_to_noise(
    range_m: ArrayLike,
    *,
    erp_w: float,
    bandwidth_hz: float,
    receive_gain: ArrayLike,
    frequency_hz: float,
    receiver_bandwidth_hz: float,
    system_temperature_k: float,
    losses: float = 1.0,
) -> Floats:
    """Return J/N of noise from one jammer, one way.

    J/N = ERP Gr λ² s / ((4π R)² L k Ts), with s = min(1, Br / Bj) / Br the share of the noise
    that each hertz of the receiver takes in (Adamy, EW 101; Schleher, Electronic Warfare in
    the Information Age, chapter 3).

    Parameters
    ----------
    range_m, receive_gain
        Slant range to the jammer, and the gain (linear) with which the antenna receives it;
        any shapes that broadcast.
    erp_w, bandwidth_hz
        The jammer's radiated power, and over what width it spreads.
    frequency_hz, receiver_bandwidth_hz, system_temperature_k
        The receiver.
    losses
        Polarisation and others, linear.
    """
    wavelength_m = SPEED_OF_LIGHT_MPS / frequency_hz
    share_per_hz = min(1.0, receiver_bandwidth_hz / bandwidth_hz) / receiver_bandwidth_hz
    at_one_metre = (erp_w * share_per_hz * (wavelength_m / (4.0 * np.pi)) ** 2) / (
        losses * BOLTZMANN_J_PER_K * system_temperature_k
    )
    ratio: Floats = at_one_metre * np.asarray(receive_gain) / np.asarray(range_m, float) ** 2
    return ratio


def self_screening_crossover_m(
    *,
    peak_power_w: float,
    gain: float,
    rcs_m2: float,
    receiver_bandwidth_hz: float,
    losses: float,
    jammer_erp_w: float,
    jammer_bandwidth_hz: float,
    jammer_losses: float = 1.0,
) -> float:
    """Return the range at which a target's echo is as strong as the noise that it makes.

    R² = Pt G σ Bj Lj / (4π ERP Br L) (Mahafza, Radar Systems Analysis and Design Using
    MATLAB, chapter on electronic countermeasures). All ratios linear.
    """
    echo = peak_power_w * gain * rcs_m2 * jammer_bandwidth_hz * jammer_losses
    noise = 4.0 * np.pi * jammer_erp_w * receiver_bandwidth_hz * losses
    return float(np.sqrt(echo / noise))


def stand_off_crossover_m(
    *,
    peak_power_w: float,
    gain: float,
    rcs_m2: float,
    receiver_bandwidth_hz: float,
    losses: float,
    jammer_erp_w: float,
    jammer_bandwidth_hz: float,
    jammer_range_m: float,
    gain_to_jammer: float,
    jammer_losses: float = 1.0,
) -> float:
    """Return the range at which an echo is as strong as the noise of a jammer elsewhere.

    R⁴ = Pt G² σ Bj Lj Rj² / (4π ERP G′ Br L) (Mahafza, as of ``self_screening_crossover_m``).
    """
    echo = peak_power_w * gain**2 * rcs_m2 * jammer_bandwidth_hz * jammer_losses
    noise = 4.0 * np.pi * jammer_erp_w * gain_to_jammer * receiver_bandwidth_hz * losses
    return float((echo * jammer_range_m**2 / noise) ** 0.25)


def burn_through_range_m(
    snr_of_echo_at_1_m: float, required_snr: float, jam_to_noise_at_1_m: float
) -> float:
    """Return the range below which a target that screens itself is detected all the same.

    The positive root of R⁴ + a R² = S / D: S the SNR of its echo and a the J/N of its noise,
    each at 1 m, D the SNR that detection asks for.
    """
    a, ratio = jam_to_noise_at_1_m, snr_of_echo_at_1_m / required_snr
    # The product of both roots is -ratio: this form does not cancel.
    return float(np.sqrt(2.0 * ratio / (a + np.sqrt(a * a + 4.0 * ratio))))


@dataclass(frozen=True, slots=True, eq=False)
class Receiver:
    """A radar as jammers meet it: its antenna, its place and its noise.

    Attributes
    ----------
    frequency_hz, bandwidth_hz, system_temperature_k : of the receiver
    sight, way : from the antenna
    """

    antenna: Antenna
    frequency_hz: float
    bandwidth_hz: float
    system_temperature_k: float
    sight: Sight
    way: Way

    def hears(self, attack: RadarAttack) -> bool:
        """Tell whether an attacker reaches this frequency."""
        return any(low <= self.frequency_hz <= high for low, high in attack.bands_hz)

    def polar(self, position_enu_m: Floats, velocity_enu_mps: Floats) -> tuple[Floats, Bools]:
        """Return exact polar places (K, 4), and which are in sight (NaN is not)."""
        polar, reason = self.sight.locate(position_enu_m, velocity_enu_mps)
        return polar, reason == _VISIBLE

    def noise_of(
        self,
        attacker: Attacker[NoiseJammer],
        targets: Targets,
        time_s: Floats,
        beam_rad: Floats | None = None,
    ) -> tuple[Floats, Floats]:
        """Return where a jammer is, polar (K, 4), and its J/N (K,) at times (K,).

        Parameters
        ----------
        beam_rad : (K, 2) azimuth and elevation of the beam; on the jammer if left out
        """
        spec = attacker.spec
        from sensors.way_kernels import way_factors  # numba: only where it runs

        if not self.hears(spec):
            return np.full((time_s.size, 4), np.nan), np.zeros(time_s.size)
        # A look round is at one time: one place is enough.
        moments = time_s[:1] if time_s.size and np.ptp(time_s) == 0.0 else time_s
        polar, above = self.polar(*attacker.at(targets, moments))
        if moments.size < time_s.size:
            polar, above = np.repeat(polar, time_s.size, 0), np.repeat(above, time_s.size)
        radiating = above & is_on(spec.active_s, time_s)
        polar_on = np.where(radiating[:, None], polar, 1.0)
        beam = polar_on[:, 1:3] if beam_rad is None else beam_rad
        across, centre = polar_on[:, 1] - beam[:, 0], self.antenna.centre_rad(beam[:, 1])
        gain_db = self.antenna.gain_db(across, polar_on[:, 2] - centre)
        # The wave off the ground comes from as far below the horizon.
        bounced_db = self.antenna.gain_db(across, -np.abs(polar_on[:, 2]) - centre)
        bounce_gain = 10.0 ** (0.05 * (bounced_db - gain_db))
        ratio = jam_to_noise(
            polar_on[:, 0],
            erp_w=spec.erp_w,
            bandwidth_hz=spec.bandwidth_hz,
            receive_gain=10.0 ** (gain_db / 10.0),
            frequency_hz=self.frequency_hz,
            receiver_bandwidth_hz=self.bandwidth_hz,
            system_temperature_k=self.system_temperature_k,
            losses=10.0 ** (spec.polarisation_loss_db / 10.0),
        )
        ratio *= way_factors(self.way, polar_on, bounce_gain)
        return polar, np.where(radiating, ratio, 0.0)

    def noise_factor(
        self, targets: Targets, time_s: Floats, position_enu_m: Floats, velocity_enu_mps: Floats
    ) -> Floats:
        """Return by how much jamming raises the noise (K,), 1 + J/N, of looks at these places.

        J is the sum over all jammers, each by main lobe or side lobes as the beam points.
        """
        factor = np.ones(time_s.size)
        if not targets.attackers.noise or not time_s.size:
            return factor
        polar, _ = self.polar(position_enu_m, velocity_enu_mps)
        beam = np.nan_to_num(polar[:, 1:3])
        for attacker in targets.attackers.noise:
            factor += self.noise_of(attacker, targets, time_s, beam)[1]
        return factor

"""Identity of tracks from what interrogation brought back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.core.tables import Identity, Reply, Tracks, TrackStatus

#: Replies of one kind that settle an identity.
REPLIES_NEEDED = 2


def identify(tracks: Tracks) -> Tracks:
    """Judge every track by its replies.

    A track with at least two replies of one kind and not fewer of it than of the other is
    what they say: military ones make it a friend, even in a tie, civil ones neutral. Any
    other is unknown if confirmed and pending if tentative. Silence alone never makes a
    track hostile.
    """
    civil = tracks.replies[:, Reply.CIVIL]
    military = tracks.replies[:, Reply.MILITARY]
    identity = np.where(
        tracks.status == TrackStatus.TENTATIVE,
        np.uint8(Identity.PENDING),
        np.uint8(Identity.UNKNOWN),
    )
    identity[(civil >= REPLIES_NEEDED) & (civil > military)] = Identity.NEUTRAL
    identity[(military >= REPLIES_NEEDED) & (military >= civil)] = Identity.FRIEND
    return replace(tracks, identity=identity)

"""Identity of tracks from what interrogation brought back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.core.tables import Identity, Reply, Tracks, TrackStatus

#: Replies of one kind that settle an identity.
REPLIES_NEEDED = 2


def identify(tracks: Tracks) -> Tracks:
    """Judge every track by its replies.

    A track with two military replies, or more than civil ones, is a friend; with two
    civil replies it is neutral; a confirmed track without is unknown; a tentative one is
    pending. Silence alone never makes a track hostile.
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

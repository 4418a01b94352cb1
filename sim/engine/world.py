"""World, which is compiled once and shared, and State, which is all that changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sensors.abilities import Remembers
from sensors.registry import Sensor
from sensors.scene import Cues
from sim.core.tables import Bools, Bytes, Floats, Ints, Truth
from sim.defence.room import Room
from sim.engine.defending import Defended
from sim.engine.effects import Arbiter
from sim.engine.pictures import Picture, open_picture
from sim.engine.platforms import Platforms
from sim.engine.presenting import Presenter
from sim.engine.sharing import OwnPictures, TruthPicture, open_own, open_shared
from sim.picture.grounds import Grounds
from sim.picture.looks import EchoFacts
from sim.record.setting import Setting
from sim.scenario.specs import Scenario
from sim.tracking import SensorModels
from sim.world.chance import Chance
from sim.world.frames import Frame
from sim.world.truth import Targets


@dataclass(frozen=True, slots=True)
class SiteSensors:
    """A site: which of the run's sensors stand there, and what link it has.

    Attributes
    ----------
    outages, outage_loss : windows of time in which so much of what it sends is lost
    jammed : more such windows, by noise jammers
    """

    id: str
    sensors: Ints
    latency_s: float
    loss: float
    outages: tuple[tuple[float, float], ...] = ()
    outage_loss: float = 1.0
    jammed: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """A compiled scenario; immutable, shared by all runs.

    Attributes
    ----------
    folder : where its file references start
    sensors : in order of ``Plots.sensor``; those that are carried where their carrier's path
        begins
    platforms : what carries them
    models : the same, as the tracker knows them
    echoes : the same, as who classifies their plots knows them
    grounds : what tracks are identified by: areas, ways, a border
    sites : in order of the scenario; so are their sensors
    step_s : length of a step; pictures are recorded at multiples of it
    record_every : steps between two recorded pictures
    defended : the defence, None without one
    """

    spec: Scenario
    folder: Path
    setting: Setting
    frame: Frame
    targets: Targets
    sensors: tuple[Sensor, ...]
    platforms: Platforms
    models: SensorModels
    echoes: EchoFacts
    grounds: Grounds
    sites: tuple[SiteSensors, ...]
    step_s: float
    record_every: int
    defended: Defended | None = None

    def start(self, run: int = 0) -> State:
        """Return the state at t = 0 of a run."""
        chance = Chance(self.spec.seed, run)
        n = len(self.targets)
        return State(
            step=0,
            truth=self.targets.truth(0.0),
            targets=self.targets,
            picture=self._picture(chance),
            presenter=Presenter.of(self),
            sensors=tuple(s.for_run() if isinstance(s, Remembers) else s for s in self.sensors),
            cues=Cues.none(),
            generators=[chance.generator(f"sensor/{sensor.id}") for sensor in self.sensors],
            detectability=np.full(n, np.nan),
            visibility=np.zeros(n, np.uint8),
            best_sensor=np.full(n, -1, np.int32),
            misled=np.zeros(n, np.bool_),
            defence=None if self.defended is None else self._defence(self.defended, chance),
        )

    def _picture(self, chance: Chance) -> Picture:
        groups = None if self.defended is None else self.defended.groups
        if self.spec.picture.source == "truth":
            shared, total = (1, 1) if groups is None else (groups.shared, len(groups))
            return TruthPicture(len(self.sensors), shared, total)
        if groups is None or len(groups) == 1:
            return open_picture(self, chance)
        return open_shared(self, groups, chance)

    def _defence(self, defended: Defended, chance: Chance) -> Defence:
        return Defence(
            Room(defended.stage),
            Arbiter(defended.stage.effectors, chance),
            open_own(self, defended.groups),
        )


@dataclass(slots=True)
class Defence:
    """The defence of one run: who acts, who decides what shots do, and pictures of its own."""

    room: Room
    arbiter: Arbiter
    own_pictures: OwnPictures


@dataclass(slots=True)
class State:
    """Where a run stands.

    Attributes
    ----------
    targets : those that are left, by the rows of the scenario's
    sensors : where they are now, with what they remember
    cues : where the picture of the last step holds targets to be now
    """

    step: int
    truth: Truth
    targets: Targets
    picture: Picture
    presenter: Presenter
    sensors: tuple[Sensor, ...]
    cues: Cues
    generators: list[np.random.Generator]
    detectability: Floats
    visibility: Bytes
    best_sensor: Ints
    misled: Bools
    defence: Defence | None = None

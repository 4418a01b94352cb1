"""What contradicts itself in a scenario's defence."""

from __future__ import annotations

from collections.abc import Iterator

from sensors.registry import ids_of
from sim.scenario.along import standing_sites
from sim.scenario.conflict import Conflict, unknown
from sim.scenario.defending import Defence
from sim.scenario.protecting import Corridor, Line
from sim.scenario.source import KeyPath
from sim.scenario.specs import Scenario
from sim.world.course import length_of

#: What is protected farther from the area's origin than this is taken for a slip.
_FARTHEST_M = 2_000e3


def defence_conflicts(scenario: Scenario) -> Iterator[Conflict]:
    """Yield all contradictions of a scenario's defence."""
    defence = scenario.defence
    if defence is None:
        return
    yield from _ids(defence)
    yield from _references(scenario, defence)
    yield from _takeovers(defence)
    yield from _caveats(defence)
    yield from _sharing(scenario, defence)
    yield from _levels(defence)
    yield from _far_away(scenario)
    if scenario.judge.contributions:
        message = "what each sensor contributes cannot be told while shots change the truth"
        hint = "leave contributions out, or the defence"
        yield Conflict(("judge", "contributions"), message, hint, ("defence",))


def _ids(defence: Defence) -> Iterator[Conflict]:
    named = {
        "nodes": ("node", [node.id for node in defence.nodes]),
        "restricted": ("restricted place", [place.id for place in defence.restricted]),
        "escalation": ("level", [level.id for level in defence.escalation]),
    }
    for key, (what, ids) in named.items():
        for i, name in enumerate(ids):
            if name in ids[:i]:
                first = ("defence", key, ids.index(name), "id")
                message = f"`{name}` is already the id of a {what}"
                yield Conflict(("defence", key, i, "id"), message, first=first)
    names: dict[str, int] = {}
    for i, effector in enumerate(defence.effectors):
        several = range(1, len(effector.positions) + 1)
        for name in [f"{effector.id}-{k}" for k in several] or [effector.id]:
            if name in names:
                first = ("defence", "effectors", names[name], "id")
                message = f"`{name}` is already the id of an effector"
                yield Conflict(("defence", "effectors", i, "id"), message, first=first)
                break
            names[name] = i


def _references(scenario: Scenario, defence: Defence) -> Iterator[Conflict]:
    nations = [nation.id for nation in scenario.nations]
    networks = [network.id for network in scenario.networks]
    nodes = [node.id for node in defence.nodes]
    targets = [target.id for target in scenario.targets]
    sensors = _sensor_ids(scenario)
    for i, node in enumerate(defence.nodes):
        at: KeyPath = ("defence", "nodes", i)
        yield from unknown((*at, "nation"), node.nation, "nation", nations)
        yield from unknown((*at, "takeover"), node.takeover, "node", nodes)
    for i, effector in enumerate(defence.effectors):
        at = ("defence", "effectors", i)
        yield from unknown((*at, "nation"), effector.nation, "nation", nations)
        yield from unknown((*at, "network"), effector.network, "network", networks)
        yield from unknown((*at, "node"), effector.node, "node", nodes)
        yield from unknown((*at, "aboard"), effector.aboard, "target", targets)
        for k, sensor in enumerate(effector.sensors):
            yield from unknown((*at, "sensors", k), sensor, "sensor", sensors)
        carrier = next((t for t in scenario.targets if t.id == effector.aboard), None)
        if carrier is not None and carrier.count > 1:
            message = f"`{carrier.id}` are {carrier.count} targets, an effector is aboard one"
            yield Conflict((*at, "aboard"), message, "list the carrier as a target of its own")
    seen: dict[str, int] = {}
    for i, territory in enumerate(defence.territories):
        path = ("defence", "territories", i, "nation")
        yield from unknown(path, territory.nation, "nation", nations)
        if territory.nation in seen:
            first = ("defence", "territories", seen[territory.nation], "nation")
            yield Conflict(path, f"`{territory.nation}` has a territory already", first=first)
        seen.setdefault(territory.nation, i)
        if 0 < len(territory.area) < 3:
            path = ("defence", "territories", i, "area")
            yield Conflict(path, "an area has three corners or more")
    for i, pair in enumerate(defence.bilateral):
        for k, nation in enumerate(pair):
            yield from unknown(("defence", "bilateral", i, k), nation, "nation", nations)
        if pair[0] == pair[1]:
            yield Conflict(("defence", "bilateral", i), f"`{pair[0]}` is paired with itself")


def _takeovers(defence: Defence) -> Iterator[Conflict]:
    after = {node.id: node.takeover for node in defence.nodes}
    told: set[str] = set()
    for i, node in enumerate(defence.nodes):
        chain, here = [node.id], node.takeover
        while here is not None and here in after and here not in chain:
            chain.append(here)
            here = after[here]
        if here == node.id and not told & set(chain):
            told |= set(chain)
            way = " → ".join([*chain, node.id])
            message = f"takeover goes in a circle: {way}"
            hint = "leave it out at the last node that can step in"
            yield Conflict(("defence", "nodes", i, "takeover"), message, hint)


def _caveats(defence: Defence) -> Iterator[Conflict]:
    orders = {t.nation: (i, t) for i, t in enumerate(defence.territories)}
    for i, territory in enumerate(defence.territories):
        path: KeyPath = ("defence", "territories", i, "caveats")
        yield from _crews(path, set(territory.caveats))
        if "own-territory" in territory.caveats and not territory.area:
            message = f"`own-territory` needs the area of `{territory.nation}`"
            yield Conflict(path, message, "give area: its corners")
    for i, effector in enumerate(defence.effectors):
        at: KeyPath = ("defence", "effectors", i)
        own = set(effector.caveats)
        given = orders.get(effector.nation or "")
        national = set(given[1].caveats) if given else set()
        place = (*at, "caveats") if own else (*at, "id")
        if not {"only-crewed", "only-uncrewed"} <= national:
            yield from _crews(place, own | national)
        if "own-territory" in own and (given is None or not given[1].area):
            message = "`own-territory` needs a nation whose area is listed under territories"
            yield Conflict((*at, "caveats"), message)
        if "own-sensor" in own | national and not effector.sensors:
            message = f"`own-sensor` binds `{effector.id}`, which has no sensors of its own"
            yield Conflict(place, message, "give sensors: ids of its own")
        if "no-soft-kill" in own | national and effector.kind == "jammer":
            message = f"`no-soft-kill` leaves the jammer `{effector.id}` nothing to do"
            yield Conflict(place, message)


def _crews(path: KeyPath, words: set[str]) -> Iterator[Conflict]:
    if {"only-crewed", "only-uncrewed"} <= words:
        message = "`only-crewed` and `only-uncrewed` together allow nothing"
        yield Conflict(path, message, "a nation's caveats and an effector's hold together")


def _sharing(scenario: Scenario, defence: Defence) -> Iterator[Conflict]:
    path: KeyPath = ("defence", "sharing")
    if defence.sharing == "alliance":
        return
    if scenario.tracker.architecture != "centralised":
        message = f"`{defence.sharing}` makes pictures of its own"
        hint = "leave tracker.architecture out, or share by alliance"
        yield Conflict(path, message, hint, ("tracker", "architecture"))
    if defence.sharing == "none":
        if not any(effector.sensors for effector in defence.effectors):
            message = "without sharing an effector sees by its own sensors, and none has any"
            yield Conflict(path, message, "give effectors sensors: ids of their own")
        return
    if defence.sharing == "bilateral" and not defence.bilateral:
        yield Conflict(path, "nobody shares with anybody", "give bilateral: pairs of nations")
    for i, effector in enumerate(defence.effectors):
        if effector.nation is None:
            at = ("defence", "effectors", i, "id")
            yield Conflict(at, f"`{effector.id}` has no nation whose picture it could see")


def _levels(defence: Defence) -> Iterator[Conflict]:
    least = [level.hostile_tracks for level in defence.escalation]
    if least and least[0] != 0:
        at: KeyPath = ("defence", "escalation", 0, "hostile_tracks")
        yield Conflict(at, "the lowest level holds without hostile tracks: 0")
    for i in range(1, len(least)):
        if least[i] <= least[i - 1]:
            at = ("defence", "escalation", i, "hostile_tracks")
            yield Conflict(at, "levels must rise", first=(*at[:2], i - 1, "hostile_tracks"))


def _far_away(scenario: Scenario) -> Iterator[Conflict]:
    origin = (scenario.area.latitude_deg, scenario.area.longitude_deg)
    for i, thing in enumerate(scenario.protect):
        if isinstance(thing, Corridor | Line):
            continue
        place = (thing.position.latitude_deg, thing.position.longitude_deg)
        away_m = length_of([origin, place])
        if away_m > _FARTHEST_M:
            message = f"`{thing.id}` lies {away_m / 1e3:,.0f} km from the area's origin"
            yield Conflict(("protect", i, "position"), message, "is a sign or a digit wrong?")


def _sensor_ids(scenario: Scenario) -> list[str]:
    try:
        sites = [site for _, site in standing_sites(scenario)]
    except ValueError:  # told of by itself
        sites = list(scenario.sites)
    return [name for site in sites for sensor in site.sensors for name in ids_of(sensor)]

"""What a run's defence came to, in plain sentences."""

from __future__ import annotations

from typing import Any

from rich.table import Table

#: Leakers that are named one by one; beyond, they are counted by class and reason.
_NAMED = 12


def sentences(defence: dict[str, Any]) -> list[str]:
    """Return what came, what was stopped, what leaked and why, and at what price."""
    came, killed = defence["threats_came"], defence["killed"]
    if not came:
        return ["nothing hostile came", *_errors(defence)]
    lines = [
        f"{_count(came, 'threat')} came: {killed} killed, {defence['leakers']} leaked "
        f"({defence['hits']} of them hit), {defence['passed']} passed by, "
        f"{defence['flying']} still flying at the end"
    ]
    by_class = [
        f"{entry['killed']} of {entry['came']} × {entry['id']}"
        for entry in defence["by_class"]
        if entry["came"]
    ]
    lines.append("killed by class: " + ", ".join(by_class))
    lines += _leaked(defence)
    lines += [_suffered(thing) for thing in defence["protected"] if thing["leaked"]]
    return [*lines, *_errors(defence), *_price(defence), *_stocks(defence)]


def _suffered(thing: dict[str, Any]) -> str:
    said = f"{thing['id']}: {_count(thing['leaked'], 'leaker')}, {_count(thing['hits'], 'hit')}"
    if thing["value"]:
        said += f", {100.0 * thing['value_lost'] / thing['value']:.0f} % of its value lost"
    return said


def _leaked(defence: dict[str, Any]) -> list[str]:
    leakers = [t for t in defence["threats"] if t["outcome"] in ("leaked", "hit")]
    if not leakers:
        return ["nothing leaked"]
    reasons = ", ".join(f"{count} {why}" for why, count in defence["why_leaked"].items())
    lines = [f"why they leaked: {reasons}"]
    if len(leakers) <= _NAMED:
        lines += [f"  {t['id']} into {t['at']} at {t['at_s']:.0f} s: {_chain(t)}" for t in leakers]
    return lines


def _chain(threat: dict[str, Any]) -> str:
    """Return what was done about a leaker, in order of time."""
    steps = [
        ("tracked", threat["tracked_s"]),
        ("held hostile", threat["identified_s"]),
        ("assigned", threat["assigned_s"]),
        ("shot at", threat["fired_s"]),
    ]
    done = [f"{word} {at_s:.0f} s" for word, at_s in steps if at_s is not None]
    shots = f", {_count(threat['shots'], 'shot')}" if threat["shots"] else ""
    return f"{threat['why']} ({', '.join(done) or 'nothing was known of it'}{shots})"


def _errors(defence: dict[str, Any]) -> list[str]:
    told = [
        (defence["shots_at_ghosts"], "at what was not there"),
        (defence["shots_at_dead"], "at what was dead already"),
        (defence["shots_astray"], "that did not find their target"),
        (defence["shots_at_deaf"], "of jammers at what does not listen"),
    ]
    wasted = [f"{number} {what}" for number, what in told if number]
    lines = []
    if defence["shots"]:
        line = f"{_count(defence['shots'], 'shot')}"
        if defence["shots_per_kill"] is not None:
            line += f", {defence['shots_per_kill']:.2f} per kill"
        lines.append(line + (": " + ", ".join(wasted) if wasted else ""))
    if defence["friends_engaged"]:
        who = _count(defence["friends_engaged"], "friend or neutral", "friends or neutrals")
        lines.append(f"[bold]{who} engaged, {defence['friends_killed']} killed[/bold]")
    return lines


def _price(defence: dict[str, Any]) -> list[str]:
    spent, killed = defence["cost_keur"], defence["attack_cost_killed_keur"]
    if not defence["shots"]:
        return []
    line = f"shots cost {_money(spent)}"
    if defence["exchange"] is not None:
        line += f", what they killed {_money(killed)}: {defence['exchange']:.2g} to 1"
    return [line]


def _stocks(defence: dict[str, Any]) -> list[str]:
    empty = [e for e in defence["effectors"] if e["empty_s"] is not None]
    empty.sort(key=lambda e: e["empty_s"])
    lines = []
    if empty:
        named = ", ".join(f"{e['id']} at {e['empty_s']:.0f} s" for e in empty[:_NAMED])
        more = f" and {len(empty) - _NAMED} more" if len(empty) > _NAMED else ""
        lines.append(f"ran empty: {named}{more}")
    busy = [e for e in defence["effectors"] if e["saturated_s"] >= 1.0]
    busy.sort(key=lambda e: -e["saturated_s"])
    if busy:
        named = ", ".join(f"{e['id']} {e['saturated_s']:.0f} s" for e in busy[:_NAMED])
        more = f" and {len(busy) - _NAMED} more" if len(busy) > _NAMED else ""
        lines.append(f"no channel free for what could be shot at: {named}{more}")
    return lines


def layers(defence: dict[str, Any]) -> Table:
    """Return shots, kills and costs by layer."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("layer")
    for name in ("shots", "kills", "per shot", "cost"):
        table.add_column(name, justify="right")
    for layer in defence["layers"]:
        share = f"{layer['kills'] / layer['shots']:.2f}" if layer["shots"] else "–"
        table.add_row(
            layer["id"], str(layer["shots"]), str(layer["kills"]), share, _money(layer["cost_keur"])
        )
    return table


def bought(sharing: dict[str, Any], defence: dict[str, Any]) -> list[str]:
    """Return what sharing bought: the same raid with each effector on its own sensors."""
    apart = sharing["apart"]
    return [
        f"the same raid with everybody on his own sensors: {apart['leakers']} leaked instead of "
        f"{defence['leakers']} ({apart['hits']} hit instead of {defence['hits']}), "
        f"{apart['shots']} shots instead of {defence['shots']}, "
        f"{apart['shots_at_dead']} instead of {defence['shots_at_dead']} at what was dead already, "
        f"for {_money(apart['cost_keur'])} instead of {_money(defence['cost_keur'])}",
        "  one run of each: airpicture compare tells how far chance decides",
    ]


def _money(keur: float) -> str:
    if keur >= 1e3:
        return f"{keur / 1e3:,.1f} M€"
    return f"{keur:,.3g} k€"


def _count(number: int, one: str, several: str | None = None) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {several or one + 's'}"

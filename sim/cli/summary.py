"""What a run's air picture was worth, on one screen."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from sim.cli.defence_summary import bought, layers, sentences
from sim.cli.raid_summary import targets_by_class
from sim.cli.workload import saturated

if TYPE_CHECKING:
    from sim.engine.judging import Verdict
    from sim.engine.recorder import Outcome
    from sim.record.setting import Setting

_KM = 1e-3
_SHORTEST_GAP_S = 10.0
#: More targets than these are summed up by class.
_TARGETS_LISTED = 60
_WIDTH_WITHOUT_TERMINAL = 110


def print_summary(
    setting: Setting,
    outcome: Outcome,
    *,
    done: str = "simulated",
    filtered: dict[str, Any] | None = None,
) -> None:
    """Print the judgement of a run on standard output.

    Parameters
    ----------
    done : what was done with the simulated time
    filtered : metrics before smoothing, to be set beside those after it
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH_WITHOUT_TERMINAL)
    metrics = outcome.metrics
    ended = "" if outcome.complete else " (interrupted)"
    console.print(f"[bold]{escape(setting.title)}[/bold]{ended}")
    console.print(
        f"{outcome.simulated_s:,.0f} s {done} in {outcome.wall_s:.1f} s: "
        f"{outcome.simulated_s / max(outcome.wall_s, 1e-9):,.0f} × real time"
        + (f", and {outcome.compiled_s:.0f} s compiling, once" if outcome.compiled_s > 1 else "")
    )
    for line in _rejected(metrics["rejected"]):
        console.print(line)
    for target, counts in outcome.dropped_rows.items():
        rows = ", ".join(f"{count} {reason}" for reason, count in counts.items())
        console.print(f"{target}: recorded rows dropped: {rows}")
    console.print()
    console.print(_picture(metrics))
    if filtered is not None:
        console.print()
        console.print(_smoothing(filtered, metrics))
    for line in _commonality(metrics.get("commonality", {"pairs": []})):
        console.print(escape(line))
    console.print()
    if len(metrics["targets"]) > _TARGETS_LISTED:
        console.print(targets_by_class(metrics["targets"]))
        console.print("every single target: metrics.json")
    else:
        console.print(_targets(metrics["targets"]))
        for line in _untracked(metrics["targets"]):
            console.print(line)
        for line in _first_seen(metrics["targets"]):
            console.print(escape(line), soft_wrap=True)
    for line in [*_links(metrics.get("links", [])), *_doubts(metrics.get("uncorroborated", []))]:
        console.print(escape(line), soft_wrap=True)
    for line in _identification(metrics.get("identification")):
        console.print(escape(line), soft_wrap=True)
    for line in _contributions(metrics.get("contributions", [])):
        console.print(escape(line), soft_wrap=True)
    console.print()
    console.print(_sensors(metrics["sensors"], metrics["targets"]))
    for line in saturated(metrics["sensors"]):
        console.print(escape(line), soft_wrap=True)
    for thing in metrics["protect"]:
        console.print()
        for line in _TOLD[thing["kind"]](thing):
            console.print(line, soft_wrap=True)
    if "defence" in metrics:
        console.print()
        console.print("[bold]defence[/bold]")
        for line in sentences(metrics["defence"]):
            console.print(f"  {line}", soft_wrap=True)
        for line in bought(metrics["sharing"], metrics["defence"]) if "sharing" in metrics else ():
            console.print(f"  {line}", soft_wrap=True)
        console.print(layers(metrics["defence"]))
    if outcome.verdicts:
        console.print()
        for verdict in outcome.verdicts:
            console.print(_verdict(verdict))
    console.print()
    folder = escape(shlex.quote(str(outcome.folder)))
    console.print(f"recorded in {folder}", soft_wrap=True)
    console.print(f"next: airpicture view {folder}", soft_wrap=True)


def _number(value: float | None, pattern: str = "{:.0f}", factor: float = 1.0) -> str:
    return "–" if value is None else pattern.format(value * factor)


def _share(value: float | None) -> str:
    return _number(value, "{:.1f} %", 100.0)


def _picture(metrics: dict[str, Any]) -> Table:
    siap, gospa = metrics["siap"], metrics["gospa"]
    table = Table.grid(padding=(0, 3))
    rows = [
        ("completeness in coverage", _share(siap["completeness_in_coverage"]),
         "completeness overall", _share(siap["completeness"])),
        ("ambiguity", _number(siap["ambiguity"], "{:.3f}"),
         "spuriousness", _share(siap["spuriousness"])),
        ("position accuracy", _number(siap["position_accuracy_m"], "{:.0f} m"),
         "velocity accuracy", _number(siap["velocity_accuracy_mps"], "{:.1f} m/s")),
        ("number changes per hour", _number(siap["number_changes_per_h"], "{:.2f}"),
         "longest segment", _share(siap["longest_segment"])),
        ("identity correct", _share(siap["identity_correctness"]),
         "OSPA / GOSPA",
         f"{_number(metrics['ospa']['mean_m'])} m / {_number(gospa['mean_m'])} m"),
    ]  # fmt: skip
    honest, classes = metrics["consistency"], metrics["classification"]
    if honest["nees_mean"] is not None:
        low, high = (f"{honest[key]:.2f}" for key in ("nees_low", "nees_high"))
        rows.append(("position NEES", f"{honest['nees_mean']:.2f}",
                     "honest between", f"{low} and {high}"))  # fmt: skip
    if honest["misled"] is not None:
        share = honest["misled_rows"] / (honest["rows"] + honest["misled_rows"])
        rows.append(("NEES where deceived", f"{honest['misled']:.2f}",
                     "so much is deceived", _share(share)))  # fmt: skip
    if classes["correctness"] is not None:
        rows.append(("class correct", _share(classes["correctness"]),
                     "class stated with", _share(classes["stated"])))  # fmt: skip
    if "commonality" in metrics:
        common = metrics["commonality"]
        rows.append(("one number at all sites", _share(common["common_number"]),
                     "held by all sites", _share(common["held_by_all"])))  # fmt: skip
    for left, value, right, other in rows:
        table.add_row(left, Text(value, "bold"), right, Text(other, "bold"))
    return table


def _smoothing(filtered: dict[str, Any], smoothed: dict[str, Any]) -> Table:
    """Set the errors before and after smoothing side by side."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("")
    for name in ("filtered", "smoothed"):
        table.add_column(name, justify="right")
    for title, block, key, pattern in (
        ("position accuracy", "siap", "position_accuracy_m", "{:.0f} m"),
        ("velocity accuracy", "siap", "velocity_accuracy_mps", "{:.1f} m/s"),
        ("OSPA", "ospa", "mean_m", "{:.0f} m"),
        ("GOSPA", "gospa", "mean_m", "{:.0f} m"),
        ("of it, localisation", "gospa", "localisation_rms_m", "{:.0f} m"),
        ("NEES of position (3 is honest)", "consistency", "nees_mean", "{:.1f}"),
    ):
        before, after = (metrics[block][key] for metrics in (filtered, smoothed))
        table.add_row(title, _number(before, pattern), _number(after, pattern))
    return table


def _commonality(common: dict[str, Any]) -> list[str]:
    """Say of every two sites how well their pictures agree, where there are more than two."""
    if len(common["pairs"]) < 2:
        return []
    return [
        f"{pair['id']}: {_share(pair['common_number'])} under one number, "
        f"{_share(pair['held_by_all'])} held by both"
        for pair in common["pairs"]
    ]


def _rejected(rejected: dict[str, Any]) -> list[str]:
    """Say which plots were dropped and why, if any were, and of which sensors."""
    if not rejected["total"]:
        return []

    def reasons(counts: dict[str, Any]) -> str:
        return ", ".join(
            f"{count} {reason.replace('_', ' ')}"
            for reason, count in counts.items()
            if reason not in ("id", "total", "sensors") and count
        )

    return [
        f"{rejected['total']} broken or late plots dropped: {reasons(rejected)}",
        *(f"  {s['id']}: {reasons(s)}" for s in rejected["sensors"] if s["total"]),
    ]


def _targets(targets: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("target")
    table.add_column("class")
    for name in (
        "seen s", "track s", "at km", "held", "nos.", "longest s", "class", "whose", "err m", "m/s",
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for t in targets:
        table.add_row(
            t["id"],
            t["class"],
            _number(t["first_detection_s"]),
            _number(t["first_track_s"]),
            _number(t["range_at_first_track_m"], "{:.1f}", _KM),
            _share(t["continuity"]),
            str(t["track_numbers"]),
            _number(t["longest_segment_s"]),
            _number(t["class_correctness"], "{:.0f} %", 100.0),
            _number(t["identity_correctness"], "{:.0f} %", 100.0),
            _number(t["position_rms_m"]),
            _number(t["velocity_rms_mps"], "{:.1f}"),
        )
    return table


def _untracked(targets: list[dict[str, Any]]) -> list[str]:
    """Say in words why a target was not under track, for all gaps after its first track."""
    lines = []
    for target in targets:
        if not target["present_s"]:
            lines.append(f"{target['id']}: never there")
            continue
        if target["first_track_s"] is None:
            reasons = target["untracked"][0]["reasons"] if target["untracked"] else {}
            lines.append(f"{target['id']}: never under track: {_reasons(reasons)}")
            continue
        gaps = [
            gap
            for gap in target["untracked"]
            if gap["when"] != "before first track" and gap["duration_s"] >= _SHORTEST_GAP_S
        ]
        if not gaps:
            continue
        total_s = sum(gap["duration_s"] for gap in gaps)
        shares: dict[str, float] = {}
        for gap in gaps:
            for reason, share in gap["reasons"].items():
                shares[reason] = shares.get(reason, 0.0) + share * gap["duration_s"] / total_s
        times = "once" if len(gaps) == 1 else f"{len(gaps)} times"
        lines.append(
            f"{target['id']}: not under track {times}, {total_s:.0f} s in all: {_reasons(shares)}"
        )
    return lines


def _first_seen(targets: list[dict[str, Any]]) -> list[str]:
    """Say of every sensor which targets it saw first, and how long until they were known.

    What and whose a target is counts as known once the picture holds it, not once it says it.
    """
    first: dict[str, list[str]] = {}
    for target in targets:
        if target["first_detection_by"] is None:
            continue
        known = [_known(target, "right identity", "identity_first_s", "identified_s")]
        if target["class_correctness"] is not None:
            known.insert(0, _known(target, "right class", "class_first_s", "classified_s"))
        seen = f"{target['id']} ({', '.join(known)})" if target["tracked_s"] else target["id"]
        first.setdefault(target["first_detection_by"], []).append(seen)
    return [f"first seen by {sensor}: {', '.join(seen)}" for sensor, seen in first.items()]


def _known(target: dict[str, Any], what: str, first: str, held: str) -> str:
    seen_s = target["first_detection_s"]
    if target[held] is not None:
        return f"{what} {target[held] - seen_s:.0f} s later"
    if target[first] is not None:
        return f"{what} never held"
    return f"{what} never"


def _links(links: list[dict[str, Any]]) -> list[str]:
    """Say when a site's link was down, and why."""
    return [
        f"link of {link['id']} "
        + ("jammed" if window["cause"] == "jammed" else "out")
        + f" from {window['begin_s']:.0f} to {window['end_s']:.0f} s: "
        f"{link['loss']:.0%} lost of what was sent ({_count(window['plots'], 'plot')} made then)"
        for link in links
        for window in link["windows"]
    ]


def _doubts(tracks: list[dict[str, Any]]) -> list[str]:
    """Say which reports no sensor corroborated that ought to see their sender."""
    return [
        f"uncorroborated since {track['since_s']:.0f} s: {_count(track['reports'], 'report')} of "
        f"track {track['number']}, {track['identity']} by what they claim, not seen by "
        f"{track['sensor']}; in truth {track['on'] or 'nobody is there'}"
        for track in tracks
    ]


def _identification(identification: dict[str, Any] | None) -> list[str]:
    """Say how honest identities are, who is in doubt, and when threats were held to be some."""
    if identification is None or identification["stated"] is None:
        return []
    doubt, wronged = identification["in_doubt"], identification["taken_for_hostile"]
    lines = [
        f"identities: stated with {_share(identification['stated'])}, right "
        f"{_share(identification['right'])}; friends and neutrals in doubt: "
        f"{_count(doubt['tracks'], 'track')}, {doubt['time_s']:,.0f} s; taken for hostile: "
        f"{_count(wronged['tracks'], 'track')}, {wronged['time_s']:,.0f} s"
    ]
    hostile = [t for t in identification["targets"] if t["affiliation"] == "hostile"]
    held = [t for t in hostile if t["threat_after_s"] is not None]
    never = [t["id"] for t in hostile if t["threat_after_s"] is None and t["shares"]]
    if held:
        delays_s = sorted(t["threat_after_s"] for t in held)
        lines.append(
            f"held suspect or hostile: {len(held)} of {_count(len(hostile), 'hostile target')}, "
            f"{delays_s[len(delays_s) // 2]:.0f} s after their first track (median)"
        )
    if never:
        few = ", ".join(never[:5]) + (f" and {len(never) - 5} more" if len(never) > 5 else "")
        lines.append(f"tracked and never held suspect or hostile: {few}")
    return lines


def _contributions(sensors: list[dict[str, Any]]) -> list[str]:
    """Say what the picture would have lost without each sensor."""
    lines = ["without one sensor, by this one seed; another may shift what is small:"]
    for sensor in sensors:
        never = sensor["never_tracked"]
        lost = [f"never under track: {', '.join(never)}"] if never else []
        changes = [(t["id"], _later(t)) for t in sensor["targets"] if t["id"] not in never]
        lost += [f"{id_} {', '.join(parts)}" for id_, parts in changes if parts]
        lost += [
            f"{warned['protected']} warned of {warned['intruder']} "
            + ("no more" if later_s is None else f"{later_s:.0f} s later")
            for warned in sensor["warnings"]
            if (later_s := warned["warning_later_s"]) is None or later_s >= 1.0
        ]
        less_s = sensor["tracked_s_lost"]
        if abs(less_s) >= 1.0:
            lost.insert(0, f"{abs(less_s):,.0f} s {'less' if less_s > 0.0 else 'more'} under track")
        lines.append(f"  {sensor['id']}: " + ("; ".join(lost) if lost else "nothing lost"))
    return lines if sensors else []


def _later(target: dict[str, Any]) -> list[str]:
    parts = []
    if target["track_later_s"]:
        parts.append(f"track {target['track_later_s']:.0f} s later")
    if target["classified_later_s"] is None:
        parts.append("right class never held")
    elif target["classified_later_s"]:
        parts.append(f"right class {target['classified_later_s']:.0f} s later")
    if target["tracked_s_lost"] >= 1.0:
        parts.append(f"{target['tracked_s_lost']:.0f} s less under track")
    return parts


def _reasons(shares: dict[str, float]) -> str:
    if not shares:
        return "no reason known"
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(
        f"{'in sight' if reason == 'visible' else reason} {share:.0%}"
        for reason, share in ordered
        if share >= 0.005
    )


def _sensors(sensors: list[dict[str, Any]], targets: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("sensor")
    for name in ("plots", "false", "targets seen", "fed tracks"):
        table.add_column(name, justify="right")
    for sensor in sensors:
        table.add_row(
            sensor["id"],
            f"{sensor['plots']:,}",
            f"{sensor['false_alarms']:,}",
            f"{sensor['targets_seen']} of {len(targets)}",
            _share(sensor["track_share"]),
        )
    return table


def _corridor(thing: dict[str, Any]) -> list[str]:
    lines = [f"[bold]{thing['id']}[/bold] (corridor)"]
    entered = [a for a in thing["aircraft"] if a["entered"]]
    if thing["aircraft"] and not entered:
        lines.append("  no arrival entered it")
    elif thing["under_track_all_the_way"]:
        lines.append("  every arrival was under track all the way in:")
    elif entered:
        lines.append(
            "  not under track all the way in: " + ", ".join(thing["not_under_track_all_the_way"])
        )
    lines += [
        f"    {aircraft['id']}: {_share(aircraft['tracked_share'])} of "
        f"{aircraft['inside_s']:.0f} s inside, "
        + (
            "never under track"
            if aircraft["track_begin_range_m"] is None
            else f"from {aircraft['track_begin_range_m'] * _KM:.0f} km out"
        )
        for aircraft in entered
    ]
    return lines + _infringements(thing)


def _point(thing: dict[str, Any]) -> list[str]:
    return [f"[bold]{thing['id']}[/bold] (point)", *_infringements(thing)]


def _line(thing: dict[str, Any]) -> list[str]:
    lines = [f"[bold]{thing['id']}[/bold] (line)"]
    visits, crossings = thing["visits"], thing["crossings"]
    if not crossings:
        lines.append("  nothing unknown or hostile crossed it")
    else:
        missed = len(thing["crossings_missed"])
        lines.append(
            f"  {crossings - missed} of {_count(crossings, 'crossing')} tracked before the inner "
            "edge"
            + (
                f": {thing['warning_min_s']:.0f} s before at least, "
                f"{thing['warning_median_s']:.0f} s in the median"
                if crossings > missed
                else ""
            )
        )
    lines += [f"    {visit['target']}: {_visit(visit)}" for visit in visits]
    return [*lines, "  where it is weakest, why, and what would mend it: airpicture coverage"]


def _visit(visit: dict[str, Any]) -> str:
    """Say when and where a target was in a line's band, and how it was held."""
    through = (visit["from_edge"], visit["to_edge"]) == ("outer", "inner")
    came = f"in at {visit['enter_s']:.0f} s, kilometre {visit['enter_km']:.0f}"
    if not through:
        left = {"outer": "out again", "inner": "further in", "end": "out past an end"}
        came += f", {left.get(visit['to_edge'], 'not through')} at {visit['leave_s']:.0f} s"
    if not visit["tracked"]:
        return f"{came}: [bold]never under track[/bold]" if through else f"{came}: not under track"
    deep_m = visit["confirmed_depth_m"]
    if deep_m is None:
        where = "before it came beside the line"
    else:
        where = f"{abs(deep_m) * _KM:.1f} km {'inside' if deep_m >= 0 else 'outside'}"
    when = f", {visit['warning_s']:.0f} s before it was through" if through else ""
    return f"{came}: under track from {where}{when}"


_TOLD = {"corridor": _corridor, "line": _line, "point": _point}


def _infringements(thing: dict[str, Any]) -> list[str]:
    """Say who came inside, one line each: when, how close, and what the picture knew."""
    by_intruder: dict[str, list[dict[str, Any]]] = {}
    for found in thing["infringements"]:
        by_intruder.setdefault(found["intruder"], []).append(found)
    lines = [f"  {intruder} {_episodes(found)}" for intruder, found in by_intruder.items()]
    if not lines:
        lines.append("  nothing unknown or hostile came inside")
    neutral = sorted({found["intruder"] for found in thing["neutral_approaches"]})
    if neutral:
        lines.append(f"  neutral traffic inside: {', '.join(neutral)}")
    lines.append(
        f"  missed alerts {thing['missed_alerts']}, false alerts {thing['false_alerts']}, "
        f"alerts on neutral traffic {thing['alerts_on_neutral']}"
    )
    return lines


def _episodes(found: list[dict[str, Any]]) -> str:
    closest = min(found, key=lambda episode: episode["closest_horizontal_m"])
    subjects = {episode["subject"] for episode in found if "subject" in episode}
    of_whom = f" the separation of {_count(len(subjects), 'arrival')}" if subjects else ""
    to_whom = f" to {closest['subject']}" if subjects else ""
    missed = sum(not episode["alerted"] for episode in found)
    if not missed:
        alert = "alert"
    else:
        alert = "[bold]missed[/bold]" + (f" {missed} of {len(found)}" if len(found) > 1 else "")
        why: dict[str, float] = {}
        for episode in found:
            for reason, share in episode["missed_because"].items():
                why[reason] = why.get(reason, 0.0) + share / missed
        alert += f" ({_reasons(why)})"
    first = min(found, key=lambda episode: episode["begin_s"])
    warned = first["warning_s"]
    if warned is None:
        warning = "never under track"
    elif warned >= 0:
        warning = f"under track {warned:.0f} s before"
    else:
        warning = f"under track only {-warned:.0f} s later"
    return (
        f"came inside{of_whom} at {first['begin_s']:.0f} s, "
        f"closest {closest['closest_horizontal_m'] * _KM:.1f} km and "
        f"{closest['closest_vertical_m']:.0f} m{to_whom}: {alert}, {warning}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _verdict(verdict: Verdict) -> str:
    bounds = []
    if verdict.minimum is not None:
        bounds.append(f"at least {verdict.minimum:g}")
    if verdict.maximum is not None:
        bounds.append(f"at most {verdict.maximum:g}")
    mark = "[green]met[/green]   " if verdict.met else "[red]missed[/red]"
    value = _number(verdict.value, "{:.4g}")
    return f"criterion {mark} {verdict.metric} = {value} ({' and '.join(bounds)})"

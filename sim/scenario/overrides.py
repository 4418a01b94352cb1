"""Settings given on the command line, laid over a scenario before it is checked."""

from __future__ import annotations

from collections.abc import Sequence

from sim.scenario import source
from sim.scenario.errors import nearest, proposal
from sim.scenario.source import Finding, Mark, Node
from sim.tracking.config import TrackerConfig

_BLOCK = "tracker"
_KNOWN = list(TrackerConfig.model_fields)


def lay_over(root: Node, settings: Sequence[str], first_line: int) -> list[Finding]:
    """Put settings of the tracker, such as ``tracker.filter=imm``, into a document, in place.

    Parameters
    ----------
    root : the scenario
    settings : ``tracker.KEY=VALUE``, the value as in a scenario file
    first_line : where the first of them is taken to stand, the others below it

    Returns
    -------
    list
        What cannot be understood, at these lines.
    """
    findings: list[Finding] = []
    for line, setting in enumerate(settings, first_line):
        mark = Mark(line, 0, len(setting))
        key, equals, text = setting.partition("=")
        block, _, name = key.strip().partition(".")
        if block != _BLOCK or not name or not equals:
            match = nearest(key.strip(), [f"{_BLOCK}.{known}" for known in _KNOWN])
            message = "expected tracker.KEY=VALUE: only the tracker's settings can be changed"
            hint = f"did you mean `{match}=…`?" if match else "as in tracker.filter=imm"
            findings.append(Finding(mark, message, hint))
            continue
        if name not in _KNOWN:
            findings.append(Finding(mark, f"unknown key `{name}`", proposal(name, _KNOWN)))
            continue
        value, mistakes = source.read(text)
        findings += [Finding(mark, mistake.message, mistake.hint) for mistake in mistakes]
        if value is None or mistakes:
            if not mistakes:
                findings.append(Finding(mark, "expected a value after `=`"))
            continue
        _move(value, mark)
        tracker = _child(root, _BLOCK, mark)
        assert isinstance(tracker.content, dict)
        tracker.content[name], tracker.keys[name] = value, mark
    return findings


def _child(root: Node, key: str, mark: Mark) -> Node:
    """Return a mapping's child that is a mapping, made if it is not there."""
    assert isinstance(root.content, dict)
    child = root.content.get(key)
    if child is None or not isinstance(child.content, dict):
        child = root.content[key] = Node(mark, {})
        root.keys[key] = mark
    return child


def _move(node: Node, mark: Mark) -> None:
    """Let a value and all in it stand at one place."""
    node.mark = mark
    node.keys = dict.fromkeys(node.keys, mark)
    children = node.content if isinstance(node.content, list) else []
    if isinstance(node.content, dict):
        children = list(node.content.values())
    for child in children:
        _move(child, mark)

"""What a user did wrong, said so that the user can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_SHOWN_MAX = 20


class UserError(Exception):
    """A mistake of the user's: the message is all that is shown, no traceback."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file.

    Attributes
    ----------
    file : as the user named it
    line, column : counted from 1; ``None`` if the file as a whole is at fault
    message : what was found and what was expected
    hint : how to mend it
    excerpt : the line, and under it a caret at the culprit
    """

    file: str
    message: str
    line: int | None = None
    column: int | None = None
    hint: str | None = None
    excerpt: str | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"
        parts = [f"{place}: {self.message}"]
        if self.excerpt:
            parts.append(self.excerpt)
        if self.hint:
            parts.append(f"  hint: {self.hint}")
        return "\n".join(parts)


class ScenarioError(UserError):
    """A scenario file that cannot be used; ``str`` of it is the whole report."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.line or 0, p.column or 0))
        super().__init__(self._report())

    def _report(self) -> str:
        parts = [str(problem) for problem in self.problems[:_SHOWN_MAX]]
        if len(self.problems) > 1:
            hidden = len(self.problems) - len(parts)
            more = f", the first {_SHOWN_MAX} shown" if hidden else ""
            parts.append(f"{len(self.problems)} mistakes{more}")
        return "\n\n".join(parts)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like the given one, ``None`` if none is near."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[matches[0]] if matches else None


def proposal(word: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the nearest known word, or lists a few known ones."""
    known = list(known)
    match = nearest(word, known)
    if match is not None:
        return f"did you mean `{match}`?"
    if not known:
        return None
    return "known: " + ", ".join(known[:12]) + (", …" if len(known) > 12 else "")

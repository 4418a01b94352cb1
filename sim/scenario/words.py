"""Plain words for what was expected, what was found, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sim.scenario.errors import proposal
from sim.scenario.source import Node

_NUMBER = "a number"
_WHOLE = "a whole number"
_LIST = "a list"
_MAPPING = "a mapping (`key: value`)"
_TEXT = "text"
_YES_NO = "true or false"

#: What was expected, by pydantic's type of error; fields come from the error's context.
_EXPECTED = {
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "a finite number",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "a smaller whole number",
    "int_from_float": _WHOLE,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "string_type": _TEXT,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "union_tag_not_found": _MAPPING,
    "none_required": "nothing",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "union_tag_invalid": "{expected_tags}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
}
_CHOICES = ("literal_error", "enum", "union_tag_invalid")
_JSON_TYPES = {"number": _NUMBER, "integer": _WHOLE, "boolean": _YES_NO}
_IDENTIFIER_START = r"^[A-Za-z0-9]"


def expectation(kind: str, context: dict[str, Any]) -> tuple[str, list[str]] | None:
    """Say what pydantic expected, and the words it knows if it is a choice of words.

    Parameters
    ----------
    kind, context
        Type and context of pydantic's error.

    Returns
    -------
    expected, known
        ``None`` if the error's own message says it better.
    """
    if kind == "string_pattern_mismatch":
        if str(context["pattern"]).startswith(_IDENTIFIER_START):
            return "a name of at most 64 letters, digits, `_`, `.` and `-`", []
        return f"text that matches {context['pattern']}", []
    if kind not in _EXPECTED:
        return None
    expected = _EXPECTED[kind].format(**{key: _value(value) for key, value in context.items()})
    known = re.findall(r"'([^']*)'", expected) if kind in _CHOICES else []
    return (_either(known) if known else expected), known


def json_type(name: str) -> str:
    """Say in words what a scalar type of JSON Schema expects."""
    return _JSON_TYPES[name]


def mismatch(expected: str, node: Node, known: list[str]) -> tuple[str, str | None]:
    """Return message and hint for a value that is not what was expected."""
    message = f"expected {expected}, found {_found(node)}"
    if known and isinstance(node.content, str):
        return message, proposal(node.content, known)
    return message, _hint(expected, node)


def _either(words: list[str]) -> str:
    *others, last = (f"`{word}`" for word in words)
    return f"{', '.join(others)} or {last}" if others else last


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _found(node: Node) -> str:
    value = node.content
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'the text "{_short(value)}"'
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return "a mapping" if isinstance(value, dict) else _short(f"{value:.12g}")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"


def _hint(expected: str, node: Node) -> str | None:
    value = node.content
    if expected in (_NUMBER, _WHOLE) and isinstance(value, str):
        return _number_hint(value)
    if expected == _YES_NO and isinstance(value, str | int):
        return "write true or false, without quotes"
    if expected == _TEXT and isinstance(value, int | float):
        return "put it in quotes if it is meant as text"
    if value is None:
        return "give a value, or leave the key out; is the next line indented?"
    if expected == _LIST and isinstance(value, dict):
        return "begin each entry with `- `"
    return None


def _number_hint(value: str) -> str | None:
    checks: list[tuple[Callable[[str], object], str]] = [
        (_is_number, "write the number without quotes"),
        (lambda t: _is_number(re.sub(r"[_,' ]", "", t)), "write the digits without separators"),
        (
            lambda t: re.match(r"[-+]?[0-9.]+\s*[^\W\d_]", t),
            "write the number alone: the unit is in the key's name",
        ),
    ]
    return next((hint for fits, hint in checks if fits(value)), None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not set(text) & set("_ ")

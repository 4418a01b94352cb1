"""What may stand at a place of a scenario file, read off the JSON Schema."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sim.scenario.schema import scenario_schema
from sim.scenario.source import KeyPath, Node

_Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A value in a document, and what the schema says of it."""

    path: KeyPath
    node: Node
    schemas: list[_Schema]

    def keys(self) -> set[str]:
        """Return the keys that a mapping here may have."""
        return {key for schema in self.schemas for key in schema.get("properties", ())}

    def unknown_keys(self) -> list[str]:
        """Return the keys that a mapping here has, but may not have."""
        closed = [s for s in self.schemas if s.get("additionalProperties") is False]
        if not isinstance(self.node.content, dict) or not closed:
            return []
        known = self.keys()
        return [key for key in self.node.content if key not in known]

    def loose_type(self) -> str | None:
        """Return the type expected, if only conversion would make the scalar here fit.

        So it is with a quoted number, or a truth value for a number.
        """
        content = self.node.content
        allowed = {schema.get("type") for schema in self.schemas}
        numeric = allowed & {"number", "integer"}
        if isinstance(content, bool):
            loose = bool(numeric) and "boolean" not in allowed
        elif isinstance(content, str):
            loose = bool(numeric or "boolean" in allowed) and "string" not in allowed
        elif isinstance(content, int | float):
            loose = "boolean" in allowed and not numeric
        else:
            loose = False
        if not loose:
            return None
        return "number" if "number" in numeric else "integer" if numeric else "boolean"


class Shape:
    """The JSON Schema, followed along a document."""

    def __init__(self) -> None:
        self._root = scenario_schema()
        self._leaves: dict[tuple[int, str | None], list[_Schema]] = {}

    def places(self, root: Node) -> Iterator[Place]:
        """Go through all values of a document, from the top down."""
        pending = deque([Place((), root, self._alternatives(self._root, root))])
        while pending:
            place = pending.popleft()
            yield place
            content = place.node.content
            if not isinstance(content, dict | list):
                continue
            entries = content.items() if isinstance(content, dict) else enumerate(content)
            for step, child in entries:
                schemas = self._step(place.schemas, step, child)
                pending.append(Place((*place.path, step), child, schemas))

    def _step(self, schemas: list[_Schema], step: str | int, child: Node) -> list[_Schema]:
        return [
            leaf for schema in schemas for leaf in self._alternatives(_below(schema, step), child)
        ]

    def _alternatives(self, schema: _Schema, node: Node) -> list[_Schema]:
        """Follow references and unions, keeping what fits the mapping's ``kind``."""
        named = node.child("kind")
        kind = named.content if named and isinstance(named.content, str) else None
        # The schema lives as long as the process, so its parts keep their identity.
        memo = (id(schema), kind)
        if memo not in self._leaves:
            self._leaves[memo] = self._expand(schema, node, kind)
        return self._leaves[memo]

    def _expand(self, schema: _Schema, node: Node, kind: str | None) -> list[_Schema]:
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            return self._alternatives(self._root["$defs"][name], node)
        branches = [*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())]
        if not branches:
            return [schema]
        leaves = [leaf for branch in branches for leaf in self._alternatives(branch, node)]
        return [leaf for leaf in leaves if _fits(leaf, kind)] or leaves


def _fits(schema: _Schema, kind: str | None) -> bool:
    if schema.get("type") != "object":
        return True
    if kind is None:
        return "kind" not in schema.get("required", ())
    allowed = schema.get("properties", {}).get("kind", {})
    return kind in (allowed.get("const"), *allowed.get("enum", ()))


def _below(schema: _Schema, step: str | int) -> _Schema:
    if isinstance(step, str):
        found = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    else:
        prefix = schema.get("prefixItems", ())
        found = prefix[step] if step < len(prefix) else schema.get("items")
    return found if isinstance(found, dict) else _ANYTHING


_ANYTHING: _Schema = {}

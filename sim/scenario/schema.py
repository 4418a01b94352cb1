"""JSON Schema of the scenario file, for editors and for the error report."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from sim.scenario.specs import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario file; shared, not to be changed."""
    schema = Scenario.model_json_schema(by_alias=True)
    return {"$schema": DIALECT, **schema, "title": "airpicture scenario"}


def schema_text() -> str:
    """Return the JSON Schema as the text of a file."""
    return json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n"

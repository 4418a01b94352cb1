"""The benchmark of coverage: peers agree with the sweep, and what is missing is named."""

from __future__ import annotations

import shutil

import pytest

from benchmarks import coverage
from benchmarks.suite import Options


def test_peers_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "find_spec", lambda name: None)
    monkeypatch.setattr(coverage, "gdal_missing", lambda: "no gdal here")
    result = coverage.run(Options(sizes=(40,), seeds=1))
    assert [row["row"] for row in result.rows] == ["airpicture"]
    reasons = {each["row"]: each["reason"] for each in result.skipped}
    assert reasons["gdal_viewshed"] == "no gdal here"
    assert "versus" in reasons["xarray-spatial"]


@pytest.mark.skipif(shutil.which("gdal_viewshed") is None, reason="needs gdal-bin")
def test_gdal_sees_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "find_spec", lambda name: None)
    result = coverage.run(Options(sizes=(101,), seeds=1))
    ours, theirs = result.rows
    assert ours["all_seconds"] == ours["seconds"]
    assert theirs["row"] == "gdal_viewshed"
    assert theirs["iou"] > 0.95
    assert theirs["all_times_ours"] == pytest.approx(6.0 * theirs["times_ours"])

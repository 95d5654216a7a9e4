"""The tests run the real program: on the PATH, or its place in WORKBENCH."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import workbench

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
if "WORKBENCH" not in os.environ and (built := ROOT / ".build-release/release/workbench").exists():
    os.environ["WORKBENCH"] = str(built)


def week() -> dict[str, Any]:
    """Two hours of a chat model on one replica and of an external model."""
    return {
        "workbench": 1,
        "name": "two-hours",
        "seed": 1,
        "period": {"from": "2026-03-08T00:00", "to": "2026-03-08T02:00"},
        "account": {"name": "acme", "timeZone": "Europe/Berlin", "subscription": {"maxReplicas": 6}},
        "models": [
            {
                "name": "chat",
                "kind": "openSource",
                "load": {
                    "arrivals": {"poisson": {"rate": "0.2/s"}},
                    "tokens": {"input": {"lognormal": {"median": 300, "sigma": 0.7}}, "output": 60},
                },
                "deployments": [
                    {
                        "version": "V1",
                        "deployAt": "2026-03-01",
                        "hardware": "A10 single",
                        "scaling": {"minReplicas": 1, "maxReplicas": 1, "maxBatchSize": 2},
                        "service": {"firstToken": "120ms", "perInputToken": "0.2ms", "perOutputToken": "15ms"},
                        "queue": {"capacity": 100, "timeout": "30s"},
                    }
                ],
            },
            {
                "name": "gpt",
                "kind": "external",
                "provider": "OpenAI",
                "load": {"arrivals": {"poisson": {"rate": "0.1/s"}}, "tokens": {"input": 700, "output": 150}},
                "service": {"firstToken": "320ms", "perOutputToken": "9ms"},
                "failures": {"providerError": 0.1},
            },
        ],
    }


@pytest.fixture
def document() -> dict[str, Any]:
    return week()


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> workbench.Run:
    return workbench.run(week(), out=tmp_path_factory.mktemp("run") / "run", formats=["csv", "parquet"])


@pytest.fixture(scope="session")
def fixture(run: workbench.Run, tmp_path_factory: pytest.TempPathFactory) -> workbench.Fixture:
    return workbench.fixture(run, out=tmp_path_factory.mktemp("fixture") / "fixture", requests=200)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a shell script in the program's place."""

    def write(script: str) -> Path:
        path = tmp_path / "stand-in"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("WORKBENCH", str(path))
        return path

    return write

"""The pytest plugin: fixtures of data with their expected figures, and an assertion that says what differs.

def test_totals(workbench_fixture, assert_figures):
    fixture = workbench_fixture("leap-day")
    …

@pytest.mark.workbench_queries("week.yaml", kind="external", period=["7d", "30d"])
def test_dashboard(workbench_query, assert_figures):
    assert_figures(workbench_query, my_dashboard(workbench_query.period))
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from .comparison import Comparable, Comparison, Tolerances
    from .fixtures import Fixture, Query
    from .scenario import Scenario


class FixtureMaker(Protocol):
    """Makes a fixture, once a session for the same arguments."""

    def __call__(
        self,
        source: str | os.PathLike[str] | Scenario | Mapping[str, Any],
        *,
        requests: int | str | None = None,
        formats: str | Sequence[str] | None = None,
        seed: int | None = None,
    ) -> Fixture: ...


class FiguresAssertion(Protocol):
    """Fails with a table of what differs: figure, expected, got."""

    def __call__(
        self,
        expected: Query | Comparable,
        got: Comparable,
        *,
        tolerances: Tolerances | None = None,
        relative: float | str | None = None,
        absolute: float | None = None,
        ignore: str | Sequence[str] = (),
        optional: str | Sequence[str] = (),
        most: int = 20,
    ) -> Comparison: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("workbench_scenarios", "Where workbench_fixture looks for scenarios (default: the root directory).")
    parser.addini("workbench_timeout", "Seconds that making one fixture may take (default: 600).", default="600")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "workbench_queries(source, account=, kind=, period=, model=, version=, provider=, requests=, seed=): runs the "
        "test with each query of a fixture, as the argument workbench_query. A filter is a value or a list of values.",
    )
    config.stash[_MADE] = _Made(config)


class _Made:
    """The fixtures of this session, in a directory of pytest's own."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._fixtures: dict[object, Fixture] = {}

    def get(self, source: Any, *, requests: Any = None, formats: Any = None, seed: int | None = None) -> Fixture:
        from .fixtures import catalogue, fixture
        from .shapes import flow

        formats = formats if formats is None or isinstance(formats, str) else tuple(formats)
        identity = flow(source) if isinstance(source, Mapping) else source if _is_scenario(source) else str(source)
        key = (identity, requests, formats, seed)
        if key not in self._fixtures:
            timeout = float(self._config.getini("workbench_timeout"))
            is_name = isinstance(source, (str, os.PathLike))
            path = self._path(source) if is_name else None
            if is_name and path is None:
                if requests is not None or seed is not None:
                    raise pytest.UsageError(
                        f"{source}: there is no such scenario. (A fixture of the catalogue has no requests= and seed=.)"
                    )
                self._require_name(str(source))
                made = catalogue(str(source), out=self._folder() / "fixture", formats=formats, timeout=timeout)
                self._fixtures[key] = made[str(source)]
            else:
                self._fixtures[key] = fixture(
                    path if path is not None else source,
                    out=self._folder() / "fixture",
                    requests=requests,
                    formats=formats,
                    seed=seed,
                    timeout=timeout,
                )
        return self._fixtures[key]

    def _path(self, source: str | os.PathLike[str]) -> Path | None:
        """A scenario or data set: as it is, in the folder of scenarios, or with `.yaml` left out."""
        root = self._config.rootpath
        for folder in (root / str(self._config.getini("workbench_scenarios")), root, Path.cwd()):
            for name in (str(source), f"{source}.yaml"):
                if (path := folder / name).exists():
                    return path
        return None

    def _require_name(self, name: str) -> None:
        from .fixtures import catalogue_names

        known = catalogue_names()
        if name not in known:
            folder = self._config.rootpath / str(self._config.getini("workbench_scenarios"))
            raise pytest.UsageError(
                f"{name}: there is no such scenario in {folder}, and no such fixture in the catalogue. "
                f"The catalogue has: {', '.join(known)}."
            )

    def _folder(self) -> Path:
        factory: pytest.TempPathFactory = self._config._tmp_path_factory  # type: ignore[attr-defined]
        return factory.mktemp("workbench")


_MADE = pytest.StashKey[_Made]()


def _is_scenario(source: object) -> bool:
    from .scenario import Scenario

    return isinstance(source, Scenario)


@pytest.fixture(scope="session")
def workbench_fixture(request: pytest.FixtureRequest) -> FixtureMaker:
    """A function that makes a fixture: of a scenario's path or name, or of one of the catalogue such as "leap-day"."""
    return request.config.stash[_MADE].get


_FILTERS = ("account", "kind", "period", "model", "version", "provider")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("workbench_queries")
    if "workbench_query" not in metafunc.fixturenames:
        if marker:
            raise pytest.UsageError(
                f"{metafunc.function.__name__}: workbench_queries needs the argument workbench_query."
            )
        return
    if not marker or len(marker.args) != 1:
        raise pytest.UsageError(
            f"{metafunc.function.__name__}: workbench_query needs @pytest.mark.workbench_queries(SCENARIO)."
        )
    given = dict(marker.kwargs)
    filters = {name: _values(given.pop(name)) for name in _FILTERS if name in given}
    if unknown := set(given) - {"requests", "formats", "seed"}:
        raise pytest.UsageError(f"workbench_queries has no {', '.join(sorted(unknown))}.")
    fixture = metafunc.config.stash[_MADE].get(marker.args[0], **given)
    queries = [q for q in fixture.queries if all(getattr(q, name) in values for name, values in filters.items())]
    if not queries:
        # A test of no query would be skipped, and look green.
        known = "; ".join(f"{n}: {', '.join(sorted({str(getattr(q, n)) for q in fixture.queries}))}" for n in filters)
        raise pytest.UsageError(
            f"{metafunc.function.__name__}: none of the {len(fixture.queries)} queries is asked for. There are {known}."
        )
    metafunc.parametrize("workbench_query", queries, ids=[q.name for q in queries])


def _values(given: object) -> Sequence[object]:
    return list(given) if isinstance(given, (list, tuple, set)) else [given]


@pytest.fixture(scope="session")
def assert_figures() -> FiguresAssertion:
    """Asserts that a dashboard shows the expected figures.

    - `expected`: a query of a fixture, a dashboard (in memory, as JSON or as a file), a run or a fixture.
    - `got`: what your product answers, likewise.
    - `relative` ("1%" or 0.01), `absolute`: what is allowed of every figure.
    - `ignore`, `optional`: paths that do not matter, or that may be missing: "scaling", "requests.credits*".
    - `tolerances`: rules of a tolerance file, or its path. They come after the others: the last that matches decides.
    """
    return _assert_figures


def _assert_figures(
    expected: Query | Comparable,
    got: Comparable,
    *,
    tolerances: Tolerances | None = None,
    relative: float | str | None = None,
    absolute: float | None = None,
    ignore: str | Sequence[str] = (),
    optional: str | Sequence[str] = (),
    most: int = 20,
) -> Comparison:
    __tracebackhide__ = True
    from .comparison import compare
    from .fixtures import Query

    about = f" ({expected.name}: {expected.exercises})" if isinstance(expected, Query) else ""
    rules: list[Mapping[str, Any]] = []
    if relative is not None or absolute is not None:
        rule: dict[str, Any] = {"path": "**"}
        if relative is not None:
            rule["relative"] = relative
        if absolute is not None:
            rule["absolute"] = absolute
        rules.append(rule)
    for name, paths in (("ignore", ignore), ("optional", optional)):
        rules += [{"path": path, name: True} for path in ([paths] if isinstance(paths, str) else paths)]
    if rules and tolerances is not None:
        if not isinstance(tolerances, Sequence) or isinstance(tolerances, str):
            raise pytest.UsageError(
                "relative=, absolute=, ignore= and optional= go with rules in a list. Put them into the tolerance file."
            )
        tolerances = [*rules, *tolerances]
    elif rules:
        tolerances = rules
    result = compare(expected.path if isinstance(expected, Query) else expected, got, tolerances=tolerances, most=most)
    if not result:
        pytest.fail(f"{result.summary}{about}\n{str(result).partition(chr(10))[2]}", pytrace=False)
    return result

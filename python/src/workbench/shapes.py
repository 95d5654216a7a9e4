"""From the program's JSON to frozen dataclasses: every member has its type, or the error says which has not."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import types
import typing
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, TypeVar, cast

from .errors import UnexpectedAnswer, UsageError

T = TypeVar("T")

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:Z|([-+])(\d\d):(\d\d)(?::(\d\d))?)"
)


def instant(text: str) -> datetime:
    """Reads an RFC 3339 instant, to the microsecond and with its offset.

    `datetime.fromisoformat` of Python 3.10 reads neither `Z` nor fractions of other than three or six digits.
    """
    match = _INSTANT.fullmatch(text)
    if not match:
        raise ValueError(f'"{text}" is not an RFC 3339 instant such as 2026-03-02T00:00:00Z')
    *fields, fraction, sign, hours, minutes, seconds = match.groups()
    year, month, day, hour, minute, second = (int(f) for f in fields)
    microsecond = int((fraction or "").ljust(6, "0"))
    offset = timedelta(0)
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
    zone = timezone(-offset if sign == "-" else offset)
    return datetime(year, month, day, hour, minute, second, microsecond, zone)


def written(value: str | date | datetime) -> str:
    """An instant or a date as the program reads it."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise UsageError(f"{value.isoformat()} has no time zone. Give it one: .replace(tzinfo=timezone.utc).")
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)


@functools.cache
def _members(shape: type) -> tuple[tuple[str, str, Any, bool], ...]:
    hints = typing.get_type_hints(shape)
    assert dataclasses.is_dataclass(shape)
    return tuple(
        (
            field.name,
            field.metadata.get("json", _camel(field.name)),
            hints[field.name],
            field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING,
        )
        for field in dataclasses.fields(shape)
    )


def decode(shape: type[T], value: object, place: str = "the answer") -> T:
    """A value of the given type. Members that it does not name are left out; `None` stands for an absent one."""
    return cast(T, _decode(shape, value, place))


def _decode(shape: Any, value: Any, place: str) -> Any:
    origin, arguments = typing.get_origin(shape), typing.get_args(shape)
    if shape is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (shape,) = (a for a in arguments if a is not type(None))
        return _decode(shape, value, place)
    if origin is tuple and isinstance(value, list):
        if arguments[-1] is Ellipsis:
            return tuple(_decode(arguments[0], item, f"{place}[{i}]") for i, item in enumerate(value))
        if len(arguments) == len(value):
            return tuple(
                _decode(a, item, f"{place}[{i}]") for i, (a, item) in enumerate(zip(arguments, value, strict=True))
            )
    if origin is Mapping and isinstance(value, dict):
        return {k: _decode(arguments[1], v, f"{place}.{k}") for k, v in value.items()}
    if origin is typing.Literal and value in arguments:
        return value
    if dataclasses.is_dataclass(shape) and isinstance(value, dict):
        given: dict[str, Any] = {}
        for name, key, member, has_default in _members(cast(type, shape)):
            if key in value:
                given[name] = _decode(member, value[key], f"{place}.{key}")
            elif not has_default:
                if type(None) not in typing.get_args(member):
                    raise UnexpectedAnswer(f"{place} has no {key}. Is this package as old as the program?")
                given[name] = None
        return cast(type, shape)(**given)
    if shape is datetime and isinstance(value, str):
        try:
            return instant(value)
        except ValueError as problem:
            raise UnexpectedAnswer(f"{place}: {problem}.") from problem
    if shape is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(shape, type) and isinstance(value, shape) and not (shape is int and isinstance(value, bool)):
        return value
    shown = json.dumps(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "…"
    raise UnexpectedAnswer(f"{place} is {shown}, which is not {getattr(shape, '__name__', shape)}.")


def parse(text: str, place: str) -> Any:
    """JSON from the program."""
    try:
        return json.loads(text)
    except ValueError as problem:
        raise UnexpectedAnswer(f"{place} is not JSON: {problem}.") from problem


def flow(value: object, indent: int | None = None) -> str:
    """A Python value as JSON, which is YAML too. Instants and dates become texts."""

    def other(item: object) -> object:
        if isinstance(item, (date, datetime)):
            return written(item)
        if isinstance(item, Mapping):
            return dict(item)
        raise UsageError(f"{item!r} ({type(item).__name__}) has no form in JSON.")

    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=other, indent=indent)
    except ValueError as problem:
        raise UsageError(f"This has no form in JSON: {problem}.") from problem

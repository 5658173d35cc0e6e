"""Vega-Lite's own schema, as its makers publish it on npm, and what of a chart it refuses."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, Mapping

import jsonschema

from sandbox import npm

PACKAGE = "vega-lite@5.21.0"
"""As the charts are drawn by; see ``VERSION`` in ``reviewloop/page/vega.py``."""
_MEMBER = "build/vega-lite-schema.json"


def is_cached() -> bool:
    """Whether the schema is there already."""
    return npm.is_cached(PACKAGE)


def schema() -> Dict[str, Any]:
    """The JSON schema of a specification.

    :raises SandboxError: it is not in the cache and npm cannot fetch it.
    """
    path = npm.unpacked(PACKAGE) / _MEMBER
    found: Dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def faults(chart: Mapping[str, Any], wanted: Dict[str, Any]) -> Iterator[str]:
    """What the schema refuses of a chart."""
    for error in _VALIDATOR(wanted).iter_errors(chart):
        yield f"{'/'.join(map(str, error.path))}: {error.message[:300]}"


def _const(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[Any]:
    if instance != wanted:
        yield jsonschema.ValidationError(f"{instance!r} is not {wanted!r}")


# The schema is of draft 7. What it uses of that beyond draft 4, which the installed library is sure
# to know, is `const`.
_VALIDATOR = jsonschema.validators.extend(jsonschema.Draft4Validator, {"const": _const})

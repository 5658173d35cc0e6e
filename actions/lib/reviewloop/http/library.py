"""``requests``, imported without what guesses the encoding of texts.

Every answer that this pack reads is UTF-8 and taken as bytes, and the two libraries that guess
(``chardet``, ``charset_normalizer``) are a quarter of what ``requests`` takes to be imported. While
it is imported a stand-in is in their place, which fetches the real one when somebody asks it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any, Dict, Iterator

# With versions that every release of requests takes (``requests.check_compatibility``).
_GUESSERS = {"chardet": "4.0.0", "charset_normalizer": "2.0.0"}


def _detect(content: bytes) -> Any:
    """What ``requests`` calls for a text whose encoding nobody told."""
    for name in reversed(tuple(_GUESSERS)):
        try:
            return import_module(name).detect(content)
        except ImportError:
            continue
    return {"encoding": None}


@contextmanager
def _without_guessers() -> Iterator[None]:
    """Stand-ins for those that are not imported yet; gone again afterwards."""
    placed: Dict[str, ModuleType] = {}
    for name, version in _GUESSERS.items():
        if name not in sys.modules:
            placed[name] = ModuleType(name)
            vars(placed[name]).update(__version__=version, detect=_detect)
    sys.modules.update(placed)
    try:
        yield
    finally:
        for name, module in placed.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


with _without_guessers():
    import requests
    import requests.adapters
    import requests.utils

__all__ = ["requests"]

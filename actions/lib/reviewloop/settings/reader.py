"""Reads nested configuration and collects every problem, each named by its key path.

A key that is absent, null or empty text counts as not given: StackStorm's own interactive form
writes nulls, and its configuration loader makes an empty object of a section that is left out
(``st2client/utils/interactive.py``, ``st2common/util/config_loader.py``). The keys that a section
allows are those that were read from it; :meth:`Reader.finish` reports the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar

T = TypeVar("T")

_KINDS = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a whole number",
}
_SHOWN = 60
_USERINFO = re.compile(r"//[^/]*@")


def suggest(word: str, words: Iterable[str]) -> str:
    """`` Did you mean x or y?`` where something is close, else an empty string."""
    import difflib  # noqa: PLC0415 - only where something is wrong

    by_lower = {known.lower(): known for known in words}
    close = difflib.get_close_matches(word.lower(), list(by_lower), n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(by_lower[name] for name in close)}?" if close else ""


def _called(value: object) -> str:
    """What a YAML value is, in words."""
    return next(
        (name for kind, name in _KINDS.items() if isinstance(value, kind)),
        f"a {type(value).__name__}",
    )


def _shown(value: object) -> str:
    text = _USERINFO.sub("//…@", repr(value))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


@dataclass(frozen=True)
class Value:
    """One text from the configuration, and its path such as ``calendar.holidays.dates[1]``."""

    path: str
    text: str
    problems: List[str] = field(repr=False, compare=False)

    def problem(self, remedy: str) -> None:
        """Report this value: its key and text, then what is wrong and what to write."""
        self.problems.append(f"{self.path} is {_shown(self.text)}: {remedy}")

    def parse(self, parser: Callable[[str], T]) -> Optional[T]:
        """The text as ``parser`` reads it; None after reporting its ValueError."""
        try:
            return parser(self.text)
        except ValueError as err:
            self.problem(str(err))
            return None


@dataclass
class Reader:
    """One section of the configuration; ``path`` is where it stands, empty at the top."""

    path: str
    values: Mapping[str, object]
    problems: List[str]
    asked: Set[str] = field(default_factory=set)

    def at(self, key: str) -> str:
        """The path of a key of this section."""
        return f"{self.path}.{key}" if self.path else key

    def problem(self, key: str, text: str) -> None:
        """Report a key whose value must not be shown, or that is absent."""
        self.problems.append(f"{self.at(key)} {text}")

    def given(self, key: str) -> bool:
        """Whether the key has a value."""
        value = self.values.get(key)
        return bool(value.strip()) if isinstance(value, str) else value is not None

    def _get(self, key: str, kind: type, example: str, secret: bool = False) -> Optional[object]:
        self.asked.add(key)
        value = self.values.get(key)
        # bool is an int to Python, but not to whoever writes YAML.
        if value is None or (isinstance(value, kind) and isinstance(value, bool) <= (kind is bool)):
            return value
        what = f"{_called(value)}, must be {_KINDS[kind]}, such as {example}."
        self.problem(key, f"is {what}" if secret else f"is {_shown(value)}: it is {what}")
        return None

    def text(self, key: str, default: str, example: str) -> str:
        """Text without surrounding blanks; the default where it is absent or of another type."""
        value = self._get(key, str, example)
        return (value.strip() or default) if isinstance(value, str) else default

    def value(self, key: str, default: str, example: str) -> Value:
        """Text together with its path, for values that are parsed further."""
        return Value(self.at(key), self.text(key, default, example), self.problems)

    def secret(self, key: str) -> str:
        """Text that no message shows, blanks kept."""
        value = self._get(key, str, '"{{ st2kv.system.NAME }}"', secret=True)
        text = value if isinstance(value, str) else ""
        if text.lstrip().startswith("{{"):
            self.problem(
                key,
                "is still a template, so it was not rendered: store the value with"
                ' `st2 key set NAME VALUE --encrypt`, write "{{ st2kv.system.NAME }}" without any'
                " filter, and reload with `st2ctl reload --register-configs`.",
            )
        return text

    def lacking(self, key: str, name: str) -> str:
        """What to say of a secret that is needed and has no value: whether it is not written, or
        written and not stored (StackStorm makes an empty value of a key that does not exist).

        :param name: of the datastore key, as the documentation has it.
        """
        store = f"store it with `st2 key set {name} VALUE --encrypt`"
        if key in self.values:
            return (
                f"has no value: if gerrit.yaml names a datastore key there, that key does not exist"
                f" or is empty; {store}, under the name that stands there."
            )
        return f'is missing: {store}, and write "{{{{ st2kv.system.{name} }}}}".'

    def flag(self, key: str, default: bool) -> bool:
        """A boolean."""
        value = self._get(key, bool, "true")
        return value if isinstance(value, bool) else default

    def number(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self._get(key, int, str(default))
        if not isinstance(value, int):
            return default
        if not low <= value <= high:
            self.problem(
                key, f"is {value}: write a number from {low} to {high}, such as {default}."
            )
            return default
        return value

    def choice(self, key: str, default: str, options: Sequence[str]) -> str:
        """One of a few words."""
        word = self.value(key, default, default)
        if word.text in options:
            return word.text
        word.problem(f"write one of {', '.join(options)}.{suggest(word.text, options)}")
        return default

    def texts(self, key: str, default: Sequence[str], example: str) -> Tuple[Value, ...]:
        """A list of texts, each with its path."""
        items = self._get(key, list, f"[{example}]")
        if items is None:
            items = list(default)
        values = (self._item(key, index, item, example) for index, item in enumerate(_list(items)))
        return tuple(value for value in values if value is not None)

    def _item(self, key: str, index: int, item: object, example: str) -> Optional[Value]:
        path = f"{self.at(key)}[{index}]"
        if isinstance(item, str) and item.strip():
            return Value(path, item.strip(), self.problems)
        wrong = "empty" if isinstance(item, str) or item is None else _called(item)
        self.problems.append(
            f"{path} is {_shown(item)}: it is {wrong}, must be text in quotes, such as {example}."
        )
        return None

    def section(self, key: str) -> Reader:
        """A mapping below this one; empty where it is absent."""
        value = self._get(key, dict, "`key: value` lines below it")
        return Reader(self.at(key), value if isinstance(value, dict) else {}, self.problems)

    def sections(self, key: str, example: str) -> Tuple[Reader, ...]:
        """A list of mappings."""
        found = []
        for index, item in enumerate(_list(self._get(key, list, f"[{example}]"))):
            if isinstance(item, dict):
                found.append(Reader(f"{self.at(key)}[{index}]", item, self.problems))
            else:
                self.problem(
                    f"{key}[{index}]", f"is {_called(item)}, must be a mapping: {example}."
                )
        return tuple(found)

    def pairs(self, key: str, example: str) -> Tuple[Tuple[str, str], ...]:
        """A mapping of free keys to texts, in order of its keys."""
        inner = self.section(key)
        return tuple(
            (name, inner.text(name, "", example)) for name in sorted(map(str, inner.values))
        )

    def finish(self) -> None:
        """Report the keys that nobody asked for."""
        for key in map(str, self.values):
            if key not in self.asked:
                near = suggest(key, self.asked)
                self.problem(key, f"is not a setting of this pack.{near or ' Remove it.'}")


def _list(value: object) -> List[object]:
    return value if isinstance(value, list) else []

"""Help that reads like ``gh``'s: what it does, usage, flags, examples, exit codes."""

from __future__ import annotations

import argparse
import textwrap
from typing import Iterable, Iterator, Mapping, Sequence, Tuple

EXIT_CODES: Mapping[int, str] = {
    0: "It was done.",
    1: "It was done, and found something that needs you: `doctor` a problem.",
    2: "The arguments, the configuration or a file is wrong, or Gerrit does not answer; one line on"
    " standard error says what, and what to do.",
    130: "You stopped it (Ctrl-C).",
    141: "Whoever read its output stopped reading, as `head` does.",
}
LEARN_MORE = "docs/operators.md, The command line by itself"

_TITLES = {
    "options": "FLAGS",
    "optional arguments": "FLAGS",  # Python 3.8 and 3.9
    "positional arguments": "ARGUMENTS",
}
_WIDTH = 80


class Parser(argparse.ArgumentParser):
    """A parser whose help has ``gh``'s sections. ``examples`` are command lines as people type
    them, each with what it is for.
    """

    examples: Sequence[Tuple[str, str]] = ()

    def format_help(self) -> str:
        """All sections that have something in them."""
        sections = [self.description or "", _section("USAGE", _filled([_usage(self)], 4))]
        sections += [_section(title, lines) for title, lines in self._groups()]
        sections.append(_section("EXAMPLES", _examples(self.examples)))
        codes = [f"{code:<5}{text}" for code, text in EXIT_CODES.items()]
        sections.append(_section("EXIT CODES", _filled(codes, 5)))
        sections.append(_section("LEARN MORE", [LEARN_MORE]))
        return "\n\n".join(filter(None, sections)) + "\n"

    def _groups(self) -> Iterator[Tuple[str, Sequence[str]]]:
        for group in self._action_groups:
            title = _TITLES.get(str(group.title), str(group.title).upper())
            commands = [
                one for one in group._group_actions if isinstance(one, argparse._SubParsersAction)
            ]
            if commands:
                yield "COMMANDS", _commands(commands[0])
            elif group._group_actions:
                formatter = self._get_formatter()
                formatter.add_arguments(group._group_actions)
                yield title, formatter.format_help().rstrip("\n").splitlines()


def _usage(parser: argparse.ArgumentParser) -> str:
    return " ".join(parser.format_usage().split()).replace("usage: ", "", 1)


def _commands(action: argparse._SubParsersAction[argparse.ArgumentParser]) -> Sequence[str]:
    about = [(one.dest, one.help or "") for one in action._choices_actions]
    width = max((len(name) for name, _ in about), default=0) + 3
    return list(_filled([f"{name + ':':<{width}}{text}" for name, text in about], width))


def _examples(examples: Iterable[Tuple[str, str]]) -> Iterator[str]:
    for place, (line, purpose) in enumerate(examples):
        if place:
            yield ""
        yield f"# {purpose}"
        yield f"$ {line}"


def _filled(lines: Iterable[str], indent: int) -> Iterator[str]:
    """Long lines broken, the rest of each below its second column."""
    for line in lines:
        yield from textwrap.wrap(
            line, _WIDTH - 2, subsequent_indent=" " * indent, break_on_hyphens=False
        )


def _section(title: str, lines: Iterable[str]) -> str:
    body = "\n".join(f"  {line}".rstrip() for line in lines)
    return f"{title}\n{body}" if body else ""

"""GitLab's quick actions.

A line that begins with a slash and a command is *executed* and taken out of a description or note
(``lib/gitlab/quick_actions/extractor.rb``). Texts are therefore sent with a zero-width space in
front of such a slash.
"""

from __future__ import annotations

import re

from reviewloop.markup import escape as fmt

_COMMAND = re.compile(r"^([^\S\n]*)/", re.MULTILINE)


def without_commands(text: str) -> str:
    """Text in which no line begins with a slash, so that GitLab executes nothing in it.

    A zero-width space rather than a backslash, which would show in a block of code.
    """
    return _COMMAND.sub(rf"\1{fmt.ZERO_WIDTH_SPACE}/", text)

"""Writes ``docs/profiles.md`` and ``examples/*.yaml`` from the profiles in the library.

python -m sandbox.profiles_page            writes them
python -m sandbox.profiles_page --check    fails if one is out of date

The library must be on the path: ``PYTHONPATH=actions/lib``.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Dict, Iterator, List

from reviewloop.settings.communities import PROFILES
from reviewloop.settings.profile import DEFAULTS, KEYS, Profile

from .pages import ROOT, settle, table

PAGE = ROOT / "docs" / "profiles.md"
EXAMPLES = ROOT / "examples"
INTRODUCTION = Path(__file__).with_suffix(".md")

_HEAD = """\
# {title}: a configuration of the gerrit pack. `make docs` generates it.
# Copy it to /opt/stackstorm/configs/gerrit.yaml, and write your server's address. Then:
#   st2ctl reload --register-configs
#   st2 sensor disable gerrit.GerritChangesSensor && st2 sensor enable gerrit.GerritChangesSensor
---
url: {server}
profile: {name}

# What the profile sets; docs/profiles.md names the sources. Remove the # before a key and its
# values to change them: a key that stands here replaces the profile's whole value.
"""
_TAIL = """\

# What no profile can know. All of it is optional; gerrit.yaml.example and docs/settings.md explain.
# username: st2-reviews
# password: "{{ st2kv.system.gerrit_password }}"
# calendar: {timezone: Europe/Berlin, hours: "09:00-17:00", holidays: {countries: ["DE-BE"]}}
# roster:
#   members:
#     - {name: Committee One, gerrit: committee1}
# tracker:
#   kind: github
#   project: example/review-escalations
#   token: "{{ st2kv.system.gerrit_tracker_token }}"
"""


def page() -> str:
    """The page: the pack's own values, then one section for each community."""
    lines = [INTRODUCTION.read_text(encoding="utf-8") + "## Without a profile", ""]
    lines += table(("key", "values"), ([f"`{key}`", _codes(DEFAULTS, key)] for key in KEYS))
    for profile in communities():
        lines += _section(profile)
    return "\n".join(lines)


def communities() -> Iterator[Profile]:
    """The profiles that are a community's."""
    return (one for one in PROFILES.values() if one is not DEFAULTS)


def examples() -> Dict[Path, str]:
    """The text of each example."""
    return {EXAMPLES / f"{profile.name}.yaml": _example(profile) for profile in communities()}


def _section(profile: Profile) -> List[str]:
    example = f"[examples/{profile.name}.yaml](../examples/{profile.name}.yaml)"
    return [
        f"## {profile.name}",
        "",
        f"{profile.title}. Example: {example}.",
        "",
        *table(
            ("key", "values", "why"),
            ([f"`{key}`", _codes(profile, key), profile.why[key]] for key in profile.own()),
        ),
        *(f"- {note}" for note in profile.notes),
        "",
        f"Sources: {', '.join(f'<{source}>' for source in profile.sources)}",
        "",
    ]


def _codes(profile: Profile, key: str) -> str:
    inherited, values = DEFAULTS.values(key), profile.values(key)
    begins_alike = profile is not DEFAULTS and values[: len(inherited)] == inherited
    own = [value for value in values if not begins_alike or value not in inherited]
    shown = ", ".join(f"`{value}`" for value in own)
    return f"the defaults, and {shown}" if begins_alike else shown


def _example(profile: Profile) -> str:
    lines = [_HEAD.format(title=profile.title, server=profile.server, name=profile.name)]
    for note in profile.notes:
        lines.append(_comment(f"- {note}", "  "))
    for key in KEYS:
        lines.append("\n" + _comment(profile.why.get(key, "The pack's default.")))
        lines.append(f"#{key}:\n")
        lines += [f"#  - '{value}'\n" for value in profile.values(key)]
    return "".join([*lines, _TAIL])


def _comment(text: str, indent: str = "") -> str:
    following = f"# {indent}"
    lines = textwrap.wrap(
        text, 100, initial_indent="# ", subsequent_indent=following, break_on_hyphens=False
    )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    texts = {PAGE: page(), **examples()}
    sys.exit(max(settle(path, text) for path, text in texts.items()))

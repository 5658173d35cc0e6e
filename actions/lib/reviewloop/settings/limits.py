"""How much may be asked of people (``limits``)."""

from __future__ import annotations

from dataclasses import dataclass

from reviewloop.settings.reader import Reader


@dataclass(frozen=True)
class Limits:
    """How much may be asked of people; ``hold_out_percent`` of the changes are left alone."""

    per_person_week: int = 10
    per_run: int = 20
    ramp_per_day: int = 10
    hold_out_percent: int = 0


def read_limits(section: Reader) -> Limits:
    """The limits that a configuration gives; the section is finished with them."""
    limits = Limits(
        per_person_week=section.number("per_person_week", 10, 1, 1_000),
        per_run=section.number("per_run", 20, 1, 1_000),
        ramp_per_day=section.number("ramp_per_day", 10, 1, 1_000),
        hold_out_percent=section.number("hold_out_percent", 0, 0, 50),
    )
    section.finish()
    return limits

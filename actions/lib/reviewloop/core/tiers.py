"""Who is addressed."""

from __future__ import annotations

from enum import Enum


class Tier(str, Enum):
    """Who is addressed; ``nobody`` where a change is only marked."""

    REVIEWERS = "reviewers"
    OWNERS = "owners"
    COMMITTEE = "committee"
    CHAIR = "chair"
    NOBODY = "nobody"


ROSTER_TIERS = (Tier.COMMITTEE, Tier.CHAIR)
"""Those who are chosen from the roster, and for whom tickets are opened."""

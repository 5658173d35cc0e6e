"""Why a wait began and how it ended, in words for people. Nobody is blamed in them."""

from __future__ import annotations

from reviewloop.core.turns import Cause, How

ENDINGS = {
    How.ANSWERED: "the owner answered",
    How.APPROVED: "the change was approved",
    How.CI_RECOVERED: "CI recovered",
    How.REVIEWED: "somebody reviewed the change",
    How.SUPERSEDED: "the change moved on",
    How.HELD_BY_OWNER: "the owner holds the change back",
    How.MERGED: "the change was merged",
    How.ABANDONED: "the change was abandoned",
    How.WIP: "the change went back to work in progress",
}
"""How it ended, after "because" or "until"."""

CAUSES = {
    Cause.UPLOADED: "a patch set was uploaded",
    Cause.READY: "the change became ready for review",
    Cause.RESTORED: "the change was restored",
    Cause.ANSWERED: "the owner answered",
    Cause.NEEDS_ANOTHER_REVIEW: "it was reviewed and needs another review",
    Cause.REVIEWED: "somebody reviewed the change",
    Cause.APPROVED: "the change was approved",
    Cause.HELD: "a vote holds the change back",
    Cause.HELD_BY_OWNER: "the owner holds the change back",
    Cause.VOTE_REMOVED: "a vote was taken back",
    Cause.CI_FAILED: "CI failed",
    Cause.NEEDS_APPROVAL: "approvals are missing",
    Cause.UNRESOLVED: "comments are unresolved",
}
"""Why it began, after "since"."""

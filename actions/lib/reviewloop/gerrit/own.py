"""How the pack knows its own messages: by its account's id, where the username leaves a doubt."""

from __future__ import annotations

from dataclasses import replace

from reviewloop.core.change import Change
from reviewloop.core.keys import MARK_TAG
from reviewloop.core.policy import Policy
from reviewloop.gerrit.reads import ReadClient


def policy_for(change: Change, policy: Policy, client: ReadClient) -> Policy:
    """The policy with which to read a change.

    The username may be configured in other letters than Gerrit shows, and some servers show none.
    Then a message under this pack's tag is its own or somebody's who wrote the tag: the account's
    id tells, asked for once.

    :raises AuthError: the account cannot be asked for.
    """
    if not policy.own_account or policy.own_id or not _leaves_doubt(change, policy):
        return policy
    return replace(policy, own_id=client.whoami().id)


def _leaves_doubt(change: Change, policy: Policy) -> bool:
    tagged = (one for one in change.messages if one.tag.startswith(MARK_TAG))
    return any(not policy.is_own(message) for message in tagged)

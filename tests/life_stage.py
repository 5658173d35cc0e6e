"""Plays life stories on a real Gerrit, and compares what is read with what Gerrit says after each
step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set
from typing import Counter as Counts

from sandbox.gerrit import rare
from sandbox.gerrit.people import Person, RequestRefusedError
from sandbox.gerrit.push import Rework
from sandbox.gerrit.seed import PACK_ACCOUNT, password_of
from sandbox.gerrit.server import GerritServer
from sandbox.ports import SandboxError

from life_moves import Moves, Reading
from life_stories import ADMIN, HARMLESS, LABELS, Step, Story
from reviewloop.core.change import ChangeStatus
from reviewloop.core.policy import Policy
from reviewloop.core.reconcile import reconciled
from reviewloop.core.turns import Party
from reviewloop.core.votes import Votes
from reviewloop.core.waits import follow
from reviewloop.gerrit.client import Client

_POLICY = Policy()
_FILE = "story.txt"


@dataclass
class Tally:
    """What stories came to, counted by what their steps do.

    ``steps`` are those that Gerrit took, ``refused`` those that it did not. After ``mended`` ones
    the messages tell something new otherwise than Gerrit. ``moved`` counts, by the reason, the
    steps after which an open wait no longer begins where it did.
    """

    stories: int = 0
    steps: Counts[str] = field(default_factory=Counter)
    refused: Counts[str] = field(default_factory=Counter)
    mended: Counts[str] = field(default_factory=Counter)
    moved: Counts[str] = field(default_factory=Counter)


class Stage:
    """One server, on which stories are played one after another, each in a project of its own."""

    def __init__(self, server: GerritServer) -> None:
        self.tally = Tally()
        #: What moved in the last story that was played, step by step.
        self.moves: List[str] = []
        self._server = server
        self._people = {ADMIN: server.admin}
        self._client = Client(server.url, PACK_ACCOUNT, password_of(PACK_ACCOUNT))
        self._projects = 0
        rare.story_parent(server.admin, LABELS)

    def close(self) -> None:
        """Close the connection by which changes are read."""
        self._client.close()

    def play(self, story: Story) -> str:
        """Play a story until something is wrong after one of its steps; what, or nothing."""
        life = self._life(story)
        self.tally.stories += 1
        self.moves = []
        before: Optional[Reading] = None
        for place, step in enumerate(story.steps):
            if not self._take(life, step):
                continue
            now = self._read(life.number)
            where = f"after step {place}, {step}"
            wrong = [*_disagreements(now), *self._moved(before, now, step, where)]
            if wrong:
                return f"{where}: {'; '.join(wrong)}"
            before = now
        if before is not None and self._read(life.number) != before:
            return "read twice, it is understood twice"
        return ""

    def shrunk(self, story: Story) -> Story:
        """The story without all the steps that it needs not to go wrong."""
        steps = list(story.steps)
        for place in reversed(range(len(steps))):
            fewer = Story(story.seed, tuple(s for i, s in enumerate(steps) if i != place))
            if self.play(fewer):
                steps = list(fewer.steps)
        return Story(story.seed, tuple(steps))

    def person(self, name: str) -> Person:
        """Who acts under a name."""
        if name not in self._people:
            self._people[name] = self._server.person(name)
        return self._people[name]

    def _life(self, story: Story) -> _Life:
        self._projects += 1
        project = f"story-{story.seed}-{self._projects}"
        rare.story_project(self.person(ADMIN), project)
        return _Life(self, project)

    def _take(self, life: _Life, step: Step) -> bool:
        """Let time pass and take a step; whether there is a change then that it may have moved."""
        self._server.advance(seconds=step.after)
        try:
            life.take(step)
        except SandboxError as err:
            if isinstance(err, RequestRefusedError) and err.status >= 500:
                raise
            self.tally.refused[step.what] += 1
            return False
        self.tally.steps[step.what] += 1
        return bool(life.number)

    def _read(self, number: int) -> Reading:
        change = self._client.change(number)
        return Reading(change, follow(change, _POLICY))

    def _moved(
        self, before: Optional[Reading], now: Reading, step: Step, where: str
    ) -> Iterator[str]:
        """What moved that is not to move."""
        if before is None:
            return
        if set(now.state.disagreements) - set(before.state.disagreements):
            self.tally.mended[step.what] += 1
        moves = Moves(before, now)
        if moves:
            self.moves.append(f"{where}\n    {moves}")
            if moves.reason is None:
                yield f"a wait moved without a reason\n    {moves}"
            else:
                self.tally.moved[moves.reason] += 1
        if step.what in HARMLESS and before.state.waits != now.state.waits:
            yield f"the waits were {before.state.waits}, and are {now.state.waits}"


def _disagreements(read: Reading) -> Iterator[str]:
    """What is read otherwise than Gerrit says."""
    change, turn = read.change, read.state.turn
    events = reconciled(change, _POLICY).events
    votes = Votes(_POLICY, change.owner.id)
    for event in events:
        votes.apply(event)
    standing = {f"{label} of {who}": one.value for (label, who), one in votes.standing.items()}
    if change.approvals is None:
        yield "the answer does not list the votes"
    listed = {f"{one.label} of {one.account.id}": one.value for one in change.approvals or ()}
    if standing != listed:
        yield f"votes are read as {standing}, and Gerrit lists {listed}"
    progress = change.work_in_progress or change.is_private
    if change.status is ChangeStatus.NEW and events[-1].idle is not progress:
        yield f"in progress is read as {events[-1].idle}, and Gerrit says {progress}"
    idle = progress or change.status is not ChangeStatus.NEW
    if (turn is Party.NOBODY) is not idle:
        yield f"the turn is {turn.value}'s; {change.status.value}, in progress {progress}"
    if votes.held and turn not in (Party.OWNER, Party.NOBODY):
        yield f"the turn is {turn.value}'s, and the change is held"


class _Life:
    """One change's life: what each kind of step is at Gerrit."""

    def __init__(self, stage: Stage, project: str) -> None:
        self._stage = stage
        self._admin = stage.person(ADMIN)
        self._project = project
        self._defined: Set[str] = set()
        self.number = 0

    def take(self, step: Step) -> None:
        """Do what a step says. :raises SandboxError: Gerrit refuses, or there is no such thing."""
        if step.what in _MAKING:
            if self.number:
                raise SandboxError("the change is there")
            who = self._stage.person(step.who)
            self.number = _MAKING[step.what](self, who, **step.how)
            return
        if step.what in _LABELLING:
            _LABELLING[step.what](self, **step.how)
            return
        if not self.number:
            raise SandboxError("there is no change")
        if step.what in _PICKING:
            _PICKING[step.what](self, step.who, **step.how)
        else:
            _DOING[step.what](self, self._stage.person(step.who), **step.how)

    # Making the change

    def _push(self, who: Person, options: str) -> int:
        return who.push_change(self._project, "A story", options=self._known(options), file=_FILE)

    def _rest(self, who: Person, wip: bool, private: bool) -> int:
        return who.create_change(self._project, "A story", wip=wip, private=private)

    def _cherry_pick(self, who: Person) -> int:
        number = who.create_change(self._project, "A story", "stable")
        return rare.cherry_pick(who, number, "master", "A story")

    # Labels

    def _define(self, label: str, span: str, copied: str) -> None:
        rare.define_label(self._admin, self._project, label, span, copied)
        self._defined.add(label)

    def _retire(self, pick: int) -> None:
        label = _picked(sorted(self._defined), pick)
        rare.retire_label(self._admin, self._project, label)
        self._defined.discard(label)

    def _known(self, options: str) -> str:
        """Push options without the votes on labels that there are not, for which Gerrit refuses
        the whole push.
        """
        unknown = tuple(f"l={one}" for one in LABELS if one not in {*self._defined, "Code-Review"})
        return ",".join(one for one in options.split(",") if not one.startswith(unknown))

    # On the change

    def _push_again(self, who: Person, rework: str, options: str, draft: str = "") -> None:
        if draft:
            rare.draft(who, self.number, draft)
            options = f"{options},publish-comments".lstrip(",")
        who.push_again(self.number, Rework(rework), self._known(options), _FILE)

    def _rebase(self, who: Person, conflict: bool, uploaders: bool) -> None:
        file = _FILE if conflict else "aside.txt"
        self._admin.push_branch(self._project, self._detail()["branch"], file=file)
        rare.rebase(who, self.number, conflicts=conflict, uploaders=uploaders)

    def _message(self, who: Person) -> None:
        who.edit_message(self.number, f"{self._detail()['subject']}, again")

    def _flip_wip(self, who: Person, message: Optional[str] = None) -> None:
        flip = who.ready if self._detail().get("work_in_progress") else who.wip
        flip(self.number, message)

    def _flip_private(self, who: Person) -> None:
        who.set_private(self.number, not self._detail().get("is_private"))

    def _move(self, who: Person, keep: bool) -> None:
        branch = "stable" if self._detail()["branch"] == "master" else "master"
        rare.move(who, self.number, branch, keep_votes=keep)

    def _review(
        self,
        who: Person,
        labels: Dict[str, int],
        back: int,
        message: str = "",
        comment: str = "",
        on_behalf_of: str = "",
        **more: Any,
    ) -> None:
        detail = self._detail()
        number = int(detail["current_revision_number"])
        if comment:
            more["comments"] = {"/PATCHSET_LEVEL": [{"message": comment, "unresolved": True}]}
        if on_behalf_of:
            more["on_behalf_of"] = on_behalf_of
        patch_set = str(max(1, number - back))
        # What the change has no label for is left out, as a page of Gerrit's would.
        known = {label: vote for label, vote in labels.items() if label in detail["labels"]}
        if not known and not message and not more:
            raise SandboxError("nothing to say")
        who.review(self.number, message, known, patch_set, **more)

    def _delete_vote(self, who: str, pick: int, reason: str = "") -> None:
        votes = [
            (vote["username"], label, vote["_account_id"])
            for label, info in sorted(self._detail()["labels"].items())
            for vote in sorted(info.get("all", ()), key=lambda one: one["_account_id"])
            if vote.get("value")
        ]
        name, label, account = _picked(votes, pick)
        person = self._stage.person(name if who == "own" else who)
        rare.delete_vote(person, self.number, account, label, reason=reason)

    def _delete_reviewer(self, who: str, pick: int) -> None:
        people = self._detail()["reviewers"].get("REVIEWER", [])
        chosen = _picked(sorted(people, key=lambda one: int(one["_account_id"])), pick)
        person = self._stage.person(chosen["username"] if who == "own" else who)
        rare.delete_reviewer(person, self.number, chosen["_account_id"])

    def _delete_message(self, who: Person, back: int) -> None:
        messages = self._detail()["messages"]
        chosen = _picked(list(reversed(messages)), back)
        rare.delete_message(who, self.number, chosen["id"])

    def _detail(self) -> Dict[str, Any]:
        return self._admin.detail(self.number)


def _picked(things: Sequence[Any], pick: int) -> Any:
    if not things:
        raise SandboxError("there is none")
    return things[pick % len(things)]


_MAKING: Dict[str, Callable[..., int]] = {
    "push": _Life._push,
    "rest": _Life._rest,
    "cherry_pick": _Life._cherry_pick,
}
_LABELLING: Dict[str, Callable[..., None]] = {
    "define_label": _Life._define,
    "retire_label": _Life._retire,
}
_PICKING: Dict[str, Callable[..., None]] = {
    "delete_vote": _Life._delete_vote,
    "delete_reviewer": _Life._delete_reviewer,
}
_DOING: Dict[str, Callable[..., Any]] = {
    "push_again": _Life._push_again,
    "rebase": _Life._rebase,
    "review": _Life._review,
    "delete_message": _Life._delete_message,
    "apply": lambda life, who: who.push_patch_set(life.number),
    "edit": lambda life, who: who.publish_edit(life.number),
    "message": _Life._message,
    "flip_wip": _Life._flip_wip,
    "flip_private": _Life._flip_private,
    "move": _Life._move,
    "abandon": lambda life, who, message=None: who.abandon(life.number, message),
    "restore": lambda life, who, message=None: who.restore(life.number, message),
    "submit": lambda life, who: who.submit(life.number),
    "hashtag": lambda life, who: who.set_hashtags(life.number, add=["one"]),
    "topic": lambda life, who: who.set_topic(life.number, "a-topic"),
    "describe": lambda life, who: rare.describe(who, life.number, "The first attempt"),
    "add_reviewer": lambda life, who, account, state: who.add_reviewer(life.number, account, state),
    "noise": lambda life, who: who.review(life.number, "recheck"),
}

"""Stories of a change's life, as lists of steps: what people, a CI and administrators do, and when.

A story comes from its seed alone. Steps name what they are about by counting (the second vote from
the end, the patch set before the last), so that a story still makes sense with some left out; what
Gerrit refuses is no step of the story.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Callable, Dict, Mapping, Sequence, Tuple

OWNER, OTHER, CI, ADMIN = "author1", "author2", "ci-bot", "admin"
REVIEWERS = ("reviewer1", "reviewer2", "committee1")
PEOPLE = (OWNER, OTHER, *REVIEWERS)
#: Labels that stories define and retire, and their votes.
LABELS = {"Code-Review": "-2..2", "Quality": "-1..1", "Lint": "-1..1"}
#: Steps that are to move nobody's wait.
HARMLESS = frozenset({"hashtag", "topic", "describe", "add_reviewer"})

_WORDS = ("Please look.", "Done.", "Why not?\n\nIt could be simpler.", "recheck", "/snooze 1d")
_COPIED = (
    "is:ANY",
    "is:MIN",
    "is:MAX",
    "is:MIN OR is:MAX",
    "changekind:NO_CODE_CHANGE",
    "changekind:NO_CHANGE OR changekind:TRIVIAL_REBASE OR is:MIN",
    "changekind:TRIVIAL_REBASE AND is:MAX",
    "changekind:REWORK",
    "has:unchanged-files",
    "uploaderin:Administrators OR is:MIN",
    "approverin:global:Registered-Users AND is:MAX",
)
# Seconds between two steps: none at all, few, and many.
_PAUSES = (0, 0, 60, 600, 7_200, 7_200, 93_600, 288_000)


@dataclass(frozen=True)
class Step:
    """Somebody does something, some seconds after the step before."""

    after: int
    who: str
    what: str
    how: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"Step({self.after}, {self.who!r}, {self.what!r}, {dict(self.how)!r})"


@dataclass(frozen=True)
class Story:
    """The life of one change; the first step makes it."""

    seed: int
    steps: Tuple[Step, ...]

    def __str__(self) -> str:
        steps = "".join(f"\n    {step}," for step in self.steps)
        return f"story {self.seed}: [{steps}\n]"


def story(seed: int) -> Story:
    """The story of a seed."""
    rng = Random(seed)
    labels = [_define(rng) for _ in range(rng.choice((0, 0, 1, 1, 2)))]
    steps = [*labels, _create(rng)]
    makers, weights = [one for one, _ in _STEPS], [weight for _, weight in _STEPS]
    for maker in rng.choices(makers, weights, k=rng.randint(5, 16)):
        steps.extend(maker(rng))
    if rng.random() < 0.3:
        steps.append(_step(rng, rng.choice(PEOPLE), "submit"))
    return Story(seed, tuple(steps))


def _step(rng: Random, who: str, what: str, **how: Any) -> Step:
    return Step(rng.choice(_PAUSES), who, what, how)


def _person(rng: Random) -> str:
    return rng.choice((OWNER, OWNER, OTHER, *REVIEWERS, *REVIEWERS))


def _maybe(rng: Random, chance: float, **how: Any) -> Dict[str, Any]:
    return how if rng.random() < chance else {}


def _options(rng: Random, *more: str) -> str:
    """Push options: votes, readiness, privacy, words."""
    votes = ("l=Code-Review-2", "l=Code-Review+1", "l=Code-Review+2", "l=Workflow-1", "l=Quality-1")
    found = [one for one in (*votes, *more) if rng.random() < 0.12]
    if rng.random() < 0.3:
        found.append("m=Some_words_Code-Review+2")
    return ",".join(found)


def _create(rng: Random) -> Step:
    way = rng.choice(("push", "push", "push", "rest", "cherry_pick"))
    if way == "push":
        options = _options(rng, "wip", "private", "hashtag=one")
        return _step(rng, OWNER, "push", options=options)
    how = {"wip": rng.random() < 0.2, "private": rng.random() < 0.1} if way == "rest" else {}
    return _step(rng, OWNER, way, **how)


def _patch_set(rng: Random) -> Step:
    way = rng.choice(("push_again", "push_again", "apply", "edit", "message", "rebase", "rebase"))
    who = rng.choice((OWNER, OWNER, OWNER, OTHER))
    if way == "push_again":
        how: Dict[str, Any] = {
            "rework": rng.choice(("code", "message", "parent", "nothing")),
            "options": _options(rng, "wip", "ready", "private", "remove-private"),
            **_maybe(rng, 0.2, draft="Look here."),
        }
        return _step(rng, who, way, **how)
    if way == "rebase":
        who = rng.choice((OWNER, OWNER, ADMIN, OTHER))
        return _step(rng, who, way, conflict=rng.random() < 0.3, uploaders=rng.random() < 0.3)
    return _step(rng, who, way)


def _votes(rng: Random) -> Dict[str, int]:
    votes: Dict[str, int] = {}
    if rng.random() < 0.8:
        votes["Code-Review"] = rng.choice((-2, -1, 0, 1, 2, 2))
    for label in ("Workflow", "Quality"):
        if rng.random() < 0.2:
            votes[label] = rng.choice((-1, 0, 1))
    return votes


def _review(rng: Random) -> Step:
    how: Dict[str, Any] = {
        "labels": _votes(rng),
        "back": rng.choice((0, 0, 0, 1, 2)),
        **_maybe(rng, 0.5, message=rng.choice(_WORDS)),
        **_maybe(rng, 0.15, comment="Here."),
        **rng.choice((*[{}] * 17, {"ready": True}, {"ready": True}, {"work_in_progress": True})),
    }
    return _step(rng, _person(rng), "review", **how)


def _gate(rng: Random) -> Step:
    votes = {
        label: rng.choice((-1, -1, 0, 1)) for label in ("Verified", "Lint") if rng.random() < 0.6
    }
    how: Dict[str, Any] = {
        "labels": votes or {"Verified": -1, "Code-Review": -1},
        "back": rng.choice((0, 0, 0, 1)),
        "message": "Build done.",
        **_maybe(rng, 0.7, tag="autogenerated:ci"),
    }
    return _step(rng, CI, "review", **how)


def _on_behalf(rng: Random) -> Step:
    whose = rng.choice((OWNER, *REVIEWERS))
    labels = {"Code-Review": rng.choice((-2, -1, 0, 1, 2))}
    message = rng.choice(("", "For them."))
    return _step(rng, ADMIN, "review", labels=labels, back=0, on_behalf_of=whose, message=message)


def _readiness(rng: Random) -> Step:
    """Ready or not, by the button."""
    who = rng.choice((OWNER, OWNER, OWNER, ADMIN))
    return _step(rng, who, "flip_wip", **_maybe(rng, 0.5, message=rng.choice(_WORDS)))


def _in_progress(rng: Random) -> Sequence[Step]:
    """In progress, and made ready by a review with and without words and votes."""
    how = {
        **_maybe(rng, 0.6, message=rng.choice(_WORDS)),
        **_maybe(rng, 0.2, comment="Here."),
    }
    labels = _votes(rng) if rng.random() < 0.5 else {}
    who = rng.choice((OWNER, OWNER, ADMIN))
    ready = _step(rng, who, "review", ready=True, labels=labels, back=0, **how)
    meanwhile = [_any_step(rng) for _ in range(rng.choice((0, 1, 1, 2)))]
    return [_readiness(rng), *meanwhile, ready]


def _closed(rng: Random) -> Sequence[Step]:
    """Abandoned, and restored after a while."""
    meanwhile = [_any_step(rng) for _ in range(rng.choice((0, 0, 1, 2)))]
    abandon, restore = (
        _step(rng, rng.choice((OWNER, ADMIN)), what, **_maybe(rng, 0.5, message="Later."))
        for what in ("abandon", "restore")
    )
    return [abandon, *meanwhile, restore]


def _hidden(rng: Random) -> Sequence[Step]:
    """Private, and public after a while."""
    meanwhile = [_any_step(rng) for _ in range(rng.choice((0, 1, 2)))]
    back = [_step(rng, OWNER, "flip_private")] if rng.random() < 0.8 else []
    return [_step(rng, OWNER, "flip_private"), *meanwhile, *back]


def _any_step(rng: Random) -> Step:
    return rng.choice((_review, _review, _patch_set, _gate, _quiet))(rng)


def _delete_vote(rng: Random) -> Step:
    how = {"pick": rng.randrange(6), **_maybe(rng, 0.3, reason="No more.\n* Code-Review+2 by me")}
    return _step(rng, rng.choice((ADMIN, "own")), "delete_vote", **how)


def _delete_reviewer(rng: Random) -> Step:
    return _step(rng, rng.choice((ADMIN, "own")), "delete_reviewer", pick=rng.randrange(4))


def _delete_message(rng: Random) -> Step:
    return _step(rng, ADMIN, "delete_message", back=rng.randrange(5))


def _define(rng: Random) -> Step:
    label = rng.choice(("Code-Review", "Code-Review", "Quality", "Quality", "Lint", "Lint"))
    span = LABELS[label] if rng.random() < 0.85 else "-1..1"
    copied = rng.choice(_COPIED) if rng.random() < 0.75 else ""
    return _step(rng, ADMIN, "define_label", label=label, span=span, copied=copied)


def _retire(rng: Random) -> Step:
    return _step(rng, ADMIN, "retire_label", pick=rng.randrange(3))


def _move(rng: Random) -> Step:
    who = rng.choice((OWNER, ADMIN))
    return _step(rng, who, "move", keep=who == ADMIN and rng.random() < 0.5)


def _quiet(rng: Random) -> Step:
    # Words that say nothing change no turn by themselves, but let what stands be looked at again.
    what = rng.choice(sorted({*HARMLESS, "noise"}))
    how: Dict[str, Any] = {}
    if what == "add_reviewer":
        how = {"account": rng.choice(PEOPLE), "state": rng.choice(("REVIEWER", "CC"))}
    who = {"noise": rng.choice((CI, *REVIEWERS)), "describe": OWNER}.get(what)
    who = who or rng.choice((OWNER, ADMIN))
    return _step(rng, who, what, **how)


def _one(maker: Callable[[Random], Step]) -> Callable[[Random], Sequence[Step]]:
    return lambda rng: [maker(rng)]


_STEPS: Sequence[Tuple[Callable[[Random], Sequence[Step]], int]] = (
    (_one(_review), 22),
    (_one(_patch_set), 18),
    (_one(_gate), 12),
    (_one(_quiet), 9),
    (_in_progress, 6),
    (_one(_define), 5),
    (_one(_delete_vote), 7),
    (_one(_on_behalf), 5),
    (_one(_delete_message), 5),
    (_one(_readiness), 4),
    (_one(_delete_reviewer), 4),
    (_one(_retire), 4),
    (_closed, 3),
    (_hidden, 3),
    (_one(_move), 2),
)

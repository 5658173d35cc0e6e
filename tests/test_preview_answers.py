"""What a preview's Gerrit keeps of its answers is what it would answer anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, Iterator, List, Optional

import pytest

from repository import ROOT
from reviewloop.cli.histories import read_changes
from reviewloop.core.change import Account
from reviewloop.core.keys import change_ident
from reviewloop.core.reading import read_change
from reviewloop.gerrit import parse
from reviewloop.gerrit.queries import Option
from reviewloop.gerrit.review import ReviewRequest
from reviewloop.preview import answers, searches
from reviewloop.preview.offline import Offline, own_account
from reviewloop.preview.recorded import Recorded
from reviewloop.preview.replica import Replica
from reviewloop.sensor.packed import standing
from reviewloop.sensor.reader import STANDING
from reviewloop.settings.load import Settings, load

HISTORY = (Option.MESSAGES,)


@pytest.fixture(name="settings")
def _settings() -> Settings:
    return load({"url": "https://review.example.org", "query": ""})


@pytest.fixture(name="recorded")
def _recorded() -> Recorded:
    source = Offline()
    source.learn({1: Account(1, "One")})
    found = Recorded(source, "", own_account(""), is_all=True)
    for raw in read_changes(ROOT / "tests" / "fixtures" / "histories.jsonl"):
        found.add(raw)
    assert len(found) > 5
    return found


def _answered(replica: Replica, *options: Option) -> Iterator[Dict[str, Any]]:
    return replica.scan('after:"2000-01-01 00:00:00"', options)


class _Forgetful(answers.Answers):
    """Keeps nothing."""

    def get(self, ident: str, now: datetime) -> Optional[answers.Answer]:
        return None


@pytest.mark.parametrize("plays", [True, False])
@pytest.mark.parametrize("kept", [500, 2])
def test_what_is_kept_is_what_is_answered_anew(
    settings: Settings,
    recorded: Recorded,
    monkeypatch: pytest.MonkeyPatch,
    plays: bool,
    kept: int,
) -> None:
    """Whenever it is asked, and however little it keeps, each change is answered and read as by a
    replica that keeps nothing: also one on which the loop wrote.
    """
    monkeypatch.setattr(answers, "_KEPT", kept)
    start = min(one.beats[0].at for one in recorded)
    if not plays:
        start += (max(one.idle for one in recorded) - start) / 2
    both = [Replica(settings, recorded, start, plays=plays) for _ in range(2)]
    monkeypatch.setattr(both[1], "_answers", _Forgetful())
    seen = set()
    for count, at in enumerate(sorted({beat.at for one in recorded for beat in one.beats})):
        for replica in both:
            replica.go_on(at)
        rows, anew = (list(_answered(replica, *HISTORY)) for replica in both)
        assert rows == anew
        for raw in rows:
            read = both[0].read_raw(raw, settings.policy)
            assert read == read_change(parse.change(raw), settings.policy)
            seen.add((raw["_number"], len(raw["messages"])))
        if rows and count % 7 == 0:
            for replica in both:
                change = replica.change(rows[-1]["_number"])
                request = ReviewRequest(f"Please look, {count}.", f"look-{count}", reviewers=(1,))
                replica.post_review(change, request)
                replica.set_hashtags(change, add=[f"asked-{count}"])
                after = replica.change(change)
                assert (len(after.messages), len(after.hashtags)) == (
                    len(change.messages) + 2,
                    len(change.hashtags) + 1,
                )
    assert len(seen) > (20 if plays else 5)


def test_looking_ahead_nobody_acts(settings: Settings, recorded: Recorded) -> None:
    """What people did after the instant from which one looks ahead is not known there, however far
    one looks.
    """
    first = min(one.beats[0].at for one in recorded)
    now = first + (max(one.idle for one in recorded) - first) / 2
    assert any(one.beats[0].at < now < one.beats[-1].at for one in recorded)
    replica = Replica(settings, recorded, now, plays=False)
    before = list(_answered(replica, *HISTORY))
    ahead = Replica(settings, recorded, now, plays=False)
    ahead.go_on(now + timedelta(days=9000))

    assert list(_answered(ahead, *HISTORY)) == before != []
    for raw in before:
        assert parse.change(raw).updated <= now


@pytest.mark.parametrize("plays", [True, False])
def test_a_file_has_its_neighbours(settings: Settings, recorded: Recorded, plays: bool) -> None:
    """What is grouped with a change is found among the others of the file, also looking ahead."""
    now = max(one.idle for one in recorded) + timedelta(days=1)
    replica = Replica(settings, recorded, now, plays=plays)
    owner = next(one.owner for one in recorded)
    found = list(replica.scan(f"owner:{owner}", HISTORY))

    assert {raw["_number"] for raw in found} == {
        one.number for one in recorded if one.owner == owner
    }


@pytest.mark.parametrize("plays", [True, False])
@pytest.mark.parametrize(
    "query",
    [
        "status:open {owner}",
        "{owner} status:open",
        "status:open OR {owner}",
        "{owner} OR status:open",
        "(status:open OR {owner})",
        "({owner} status:open)",
        "-status:open {owner}",
        '{owner} status:open after:"{after}"',
        '{owner} OR before:"{after}"',
        '(change:1 OR topic:"none" OR ({owner} {project} branch:master)) (status:open)',
    ],
)
def test_searches_find_what_matches(
    settings: Settings, recorded: Recorded, plays: bool, query: str
) -> None:
    """Whatever is looked at for it: all that match, whoever was touched last comes first."""
    first = min(one.beats[0].at for one in recorded)
    last = max(one.idle for one in recorded)
    replica = Replica(settings, recorded, first if plays else last, plays=plays)
    owner = next(one.owner for one in recorded)
    after = f"{first + (last - first) / 3:%Y-%m-%d %H:%M:%S}"
    project = next(f'project:"{one.project}"' for one in recorded if one.owner == owner)
    asked = query.format(owner=f"owner:{owner}", after=after, project=project)
    match, found = searches.parsed(asked, "").term.match, 0
    for part in range(21):
        replica.go_on(first + (last - first) * part / 20)
        shown = replica._index.shown.items()
        wanted = sorted((one.updated, ident) for ident, one in shown if match(one))
        assert [change_ident(raw["_number"], raw["project"]) for raw in replica.scan(asked)] == [
            ident for _, ident in reversed(wanted)
        ]
        found += len(wanted)
    assert found


def test_neighbours_are_found_by_name(settings: Settings, recorded: Recorded) -> None:
    """Of all changes that are shown, a search for neighbours looks at none beside those that it
    finds; one that asks for a word looks at those that may have it.
    """
    replica = Replica(settings, recorded, min(one.idle for one in recorded), plays=True)
    index, looked = replica._index, []
    (first, *_) = (one for one in recorded if one.ident in index.shown)

    def spoken(ident: str) -> searches.Shown:
        looked.append(ident)
        return index.shown[ident]

    def found(text: str) -> List[str]:
        return index.newest_first(searches.parsed(text, "").term, spoken)

    owned = f'(topic:"none" OR (owner:{first.owner} project:"{first.project}"))'
    assert first.ident in found(owned)
    assert looked == []
    found(f"{owned} comment:snooze")
    assert sorted(looked) == sorted(found(owned))


def test_a_change_is_read_once(settings: Settings, recorded: Recorded) -> None:
    """Whoever asks, sensor or action, of one change or of many, is given what was made of the
    answer before, until something is written on the change.
    """
    now = max(one.idle for one in recorded)
    replica, policy = Replica(settings, recorded, now, plays=True), settings.policy
    raw, *_ = _answered(replica, *HISTORY)
    change = replica.parsed(raw)
    single = replica.change(change)

    assert replica.parsed(raw) is change
    assert replica.read_raw(raw, policy) is replica.read_change(change, policy)
    assert replica.read_change(single, policy) is replica.read_change(single, policy)
    assert replica.read_change(single, policy) == read_change(single, policy)
    assert replica.parsed(dict(raw)) == change

    replica.post_review(single, ReviewRequest("Please look.", "look"))
    again = replica.change(change)
    assert len(replica.read_change(again, policy).change.messages) == len(change.messages) + 1
    assert replica.read_change(change, policy).change == change


def test_without_messages_a_change_stands_as_with_them(
    settings: Settings, recorded: Recorded
) -> None:
    """Who does not ask for messages gets none, as from Gerrit, and all else as with them."""
    now = max(one.idle for one in recorded) + timedelta(days=1)
    replica = Replica(settings, recorded, now, plays=False)
    whole = [parse.change(raw) for raw in _answered(replica, *HISTORY)]
    bare = [parse.change(raw) for raw in _answered(replica, *STANDING)]

    assert [one.number for one in bare] == [one.number for one in whole] != []
    assert not any(one.messages for one in bare)
    assert [one.patch_set for one in bare] == [one.patch_set for one in whole]
    assert [standing(one) for one in bare] == [standing(one) for one in whole]

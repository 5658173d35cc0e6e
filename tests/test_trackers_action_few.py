"""The trackers' contract once more, with a mapping that leaves out whatever may be left out:
``read``, ``comments``, ``duplicate``, ``list_open`` and ``whoami``.
"""

from __future__ import annotations

import pytest

import test_trackers_contract as contract
from rig_action import FEW, ActionRig
from trackers_rig import Rig

# Collected here once more, for the rig below.
globals().update({name: value for name, value in vars(contract).items() if name[:5] == "test_"})


class FewRig(ActionRig):
    """The fake StackStorm, with the short mapping."""

    mapping = FEW
    resolution = "Closed"
    cannot = {
        **ActionRig.cannot,
        "stranger's ticket": "author is not mapped, so the key alone must do",
        "dropped label": "labels are not mapped, so nobody can tell",
        "dropped key": "the key is in the body, which the tracker keeps",
        "listing for the sweep": "list_open is not mapped",
    }


def _able(request: pytest.FixtureRequest) -> Rig:
    mark = request.node.get_closest_marker("case")
    reason = FewRig.cannot.get(mark.args[0]) if mark else None
    if reason:
        pytest.skip(reason)
    return FewRig()


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Rig:
    """In place of all trackers."""
    return _able(request)


@pytest.fixture
def fake(request: pytest.FixtureRequest) -> Rig:
    """In place of all fakes."""
    return _able(request)

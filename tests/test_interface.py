"""Nothing that operators and other packs hold on to changes by accident."""

from __future__ import annotations

import interface


def test_interface_is_as_agreed() -> None:
    """Triggers, actions, parameters, rules, settings and stored values are those of the snapshot.

    After a change on purpose: ``make docs``, read the diff, and say it in ``CHANGES.md``.
    """
    expected = interface.SNAPSHOT.read_text(encoding="utf-8")

    assert interface.as_text(interface.snapshot()) == expected

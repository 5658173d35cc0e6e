"""Whether the tally of all records is whole: taken back by whoever writes a record."""

from __future__ import annotations

from reviewloop.store.datastore import Datastore

PREFIX = "gerrit.tally."
WHOLE = f"{PREFIX}whole"


def spoil(datastore: Datastore) -> None:
    """Say, before a record is written, that the tally may not have it.

    Where that fails the record is missed for a day at most: then the tally is made anew.
    """
    datastore.delete_value(WHOLE, local=False)

"""The settings that Bugzilla needs in ``tracker.options``."""

from __future__ import annotations

import re
from typing import Mapping

from reviewloop.trackers.adapters.bugzilla.rest import HEADER, QUERY
from reviewloop.trackers.rest import PAIRS
from reviewloop.trackers.settings import Form, Option

_KEY_IN = Form(re.compile(f"{HEADER}|{QUERY}"), f"{HEADER} or {QUERY}")

OPTIONS: Mapping[str, Option] = {
    "component": Option("The component of the product.", "Reviews", required=True),
    "version": Option("The version; each new product has this one.", "1.0", "unspecified"),
    "op_sys": Option("The operating system.", "Linux", "All"),
    "platform": Option("The hardware.", "PC", "All"),
    "severity": Option("The severity; left out, the installation's default.", "normal"),
    "priority": Option("The priority; left out, the installation's default.", "P3"),
    "fields": Option(
        "More fields of a new bug, where it needs them; only those that hold text.",
        "type=task; cf_team=Reviews",
        form=PAIRS,
    ),
    "closed_status": Option("The status of a closed ticket.", "CLOSED", "RESOLVED"),
    "resolution": Option("The resolution of a ticket whose review came.", "DONE", "FIXED"),
    "not_planned_resolution": Option(
        "The resolution of a ticket whose change was given up.", "INVALID", "WONTFIX"
    ),
    "open_status": Option(
        "The status of a ticket that is opened again; the old workflow has REOPENED.",
        "REOPENED",
        "CONFIRMED",
    ),
    "key_in": Option(
        "How the API key is sent: as a header, or in the address, where the server's logs show "
        "it; Bugzilla 5.0 and 5.2 know no other way.",
        QUERY,
        HEADER,
        form=_KEY_IN,
    ),
}

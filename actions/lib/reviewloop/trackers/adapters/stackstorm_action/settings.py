"""The settings of the kind ``action`` below ``tracker.options``."""

from __future__ import annotations

import re

from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.settings import Form, Option

_COUNT = re.compile(r"[0-9]{1,5}")

OPTIONS = {
    "format": Option(
        "The markup in which the tracker shows what it is given.",
        "markdown",
        "text",
        form=Form(
            re.compile("|".join(one.value for one in BodyFormat)),
            "one of " + ", ".join(one.value for one in BodyFormat),
        ),
    ),
    "timeout": Option(
        "Seconds after which an action that has not ended is not waited for any more.",
        "120",
        "60",
        form=Form(_COUNT, "seconds, such as 60"),
    ),
    "lag": Option(
        "Seconds after which find surely shows a new ticket; more than 0 where the tracker"
        " looks into a search index.",
        "120",
        "0",
        form=Form(_COUNT, "seconds, such as 120"),
    ),
    "title_limit": Option(
        "The longest title that the tracker takes, in characters.",
        "160",
        "250",
        form=Form(re.compile(r"[1-9][0-9]{1,3}"), "a number from 10 to 9999"),
    ),
    "body_limit": Option(
        "The longest body and comment that the tracker takes, in characters.",
        "4000",
        "60000",
        form=Form(re.compile(r"[1-9][0-9]{2,5}"), "a number from 100 to 999999"),
    ),
}

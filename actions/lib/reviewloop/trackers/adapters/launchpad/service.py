"""How Launchpad's web service speaks: its habits with statuses, signatures and links."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Dict, Mapping
from urllib.parse import quote, unquote

from reviewloop.http import codes
from reviewloop.http.messages import Response
from reviewloop.trackers import parse
from reviewloop.trackers.answers import Answer
from reviewloop.trackers.http import Http

BUG_LINK = re.compile(r"/bugs/(\d+)/?\Z")
_MESSAGE_LINK = re.compile(r"/comments/(\d+)/?\Z")
_TOKEN_FAULT = re.compile(
    r"\s*(?:Unknown|Expired|Unauthorized|Invalid|Inactive|No) "
    r"(?:access token|consumer|token|signature|account|UTF-8)|\s*You need to be logged in",
    re.IGNORECASE,
)


class WebService(Http):
    """HTTP with the two habits of Launchpad: 303 as an answer, and 401 for a lack of rights."""

    def judge(self, response: Response, what: str, is_write: bool) -> Answer:
        """See :meth:`Http.judge`."""
        if response.status == codes.SEE_OTHER:
            return Answer(codes.SEE_OTHER, None, response.headers)
        if response.status == codes.UNAUTHORIZED and not _TOKEN_FAULT.match(response.text):
            response = replace(response, status=codes.FORBIDDEN)
        return super().judge(response, what, is_write)


def signature(token: str) -> str:
    """The ``Authorization`` header. The consumer's secret is empty, as for all of Launchpad's."""
    consumer, key, secret = token.rsplit(":", 2)
    fields = {
        "realm": "https://api.launchpad.net/",
        "oauth_consumer_key": quote(consumer, safe="~"),
        "oauth_token": quote(key, safe="~"),
        "oauth_signature_method": "PLAINTEXT",
        "oauth_signature": quote(f"&{secret}", safe="~"),
        "oauth_version": "1.0",
    }
    return "OAuth " + ", ".join(f'{name}="{value}"' for name, value in fields.items())


def as_json(parameters: Mapping[str, Any]) -> Dict[str, str]:
    """Parameters as the service takes them: each as JSON."""
    return {name: json.dumps(value) for name, value in parameters.items()}


def number_in(link: Any) -> str:
    """The number at the end of a bug's link."""
    found = BUG_LINK.search(str(link))
    if found is None:
        raise parse.misread("a bug's task", "has no link to its bug")
    return found.group(1)


def index_of(row: Mapping[str, Any]) -> int:
    """The place of a message among those of its bug; 0 is the report itself."""
    found = _MESSAGE_LINK.search(str(row.get("self_link")))
    if found is None:
        raise parse.misread("a message", "has no number")
    return int(found.group(1))


def name_in(link: Any) -> str:
    """The name at the end of a person's link, empty where there is none."""
    found = re.search(r"/~([^/?#]+)\Z", str(link or ""))
    return unquote(found.group(1)) if found else ""

"""Credentials: how they are sent, and that no error repeats them."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Iterable

_USERINFO = re.compile(r"//[^/\s@]*@")
_HIDDEN = "***"


def basic(username: str, password: str) -> str:
    """The value of ``Authorization`` for HTTP Basic, in UTF-8 (RFC 7617)."""
    return f"Basic {basic_token(username, password)}"


def basic_token(username: str, password: str) -> str:
    """The word that stands for user name and password in HTTP Basic."""
    return b64encode(f"{username}:{password}".encode()).decode("ascii")


def hidden(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets and without the user information of addresses."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return _USERINFO.sub(f"//{_HIDDEN}@", text)

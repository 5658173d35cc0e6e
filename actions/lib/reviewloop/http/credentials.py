"""Credentials: how they are sent, and that no error repeats them."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import Iterable, Mapping, Tuple

#: Names of headers that hold a credential.
_CREDENTIAL = re.compile("authorization|token|key", re.IGNORECASE)
#: Shorter words say nothing, and stand in any text.
_SHORTEST = 4
_USERINFO = re.compile(r"//[^/\s@]+@")
_HIDDEN = "***"


def basic(username: str, password: str) -> str:
    """The value of ``Authorization`` for HTTP Basic, in UTF-8 (RFC 7617)."""
    return f"Basic {basic_token(username, password)}"


def basic_token(username: str, password: str) -> str:
    """The word that stands for user name and password in HTTP Basic."""
    return b64encode(f"{username}:{password}".encode()).decode("ascii")


def credentials_in(headers: Mapping[str, str]) -> Tuple[str, ...]:
    """Every text in headers that no error may repeat: tokens, and what they are made of."""
    found = []
    for name, value in headers.items():
        if _CREDENTIAL.search(name):
            scheme, _, rest = value.partition(" ")
            words = re.split(r"[\s,\"]+", rest or scheme)
            found += [value, *words, *map(_decoded_password, words)]
    return tuple(word for word in dict.fromkeys(found) if len(word) >= _SHORTEST)


def _decoded_password(word: str) -> str:
    """The password in a word of HTTP Basic, empty where there is none."""
    try:
        return b64decode(word, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def hidden(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets and without the user information of addresses."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return _USERINFO.sub(f"//{_HIDDEN}@", text)

"""What the sections of all servers have alike: an address, and how certificates are checked."""

from __future__ import annotations

from typing import Callable, Optional, Union
from urllib.parse import SplitResult

from reviewloop.settings.reader import Reader

Exists = Callable[[str], bool]


def read_address(
    section: Reader, key: str, example: str, parser: Callable[[str], SplitResult]
) -> Optional[SplitResult]:
    """An address without user information; None where there is none or it is wrong."""
    value = section.value(key, "", example)
    if not value.text:
        return None
    if "@" in value.text:
        section.problem(
            key,
            "holds an @, so perhaps a user name or password (not shown): write the address without"
            f" it, such as {example}; account and secret have settings of their own.",
        )
        return None
    return value.parse(parser)


def read_verify(section: Reader, exists: Exists) -> Union[bool, str]:
    """Whether certificates are checked, or the path of those to trust (``verify`` of requests)."""
    verify = section.flag("verify_tls", True)
    value = section.value("ca_bundle", "", "/etc/ssl/certs/company.pem")
    if value.text and not exists(value.text):
        value.problem("no such file on this host; write the absolute path of a readable PEM file.")
    if value.text and not verify:
        section.problem("ca_bundle", "is given while verify_tls is false: remove one of the two.")
    return value.text or verify


def sensor_key(server: str, sensor_id: str) -> str:
    """Under what name a sensor keeps its position and its troubles."""
    return f"{server}+{sensor_id}" if sensor_id else server

"""Reading an answer's body within bounds: the size counts after unpacking."""

from __future__ import annotations

import zlib
from typing import Iterable, Iterator

#: Bytes unpacked in one step, so that a small part cannot become a large one at once.
STEP = 65536

#: What is asked for; one coding, since each further one multiplies what a byte can become.
ACCEPTED = "gzip"

_GZIP = 16 + zlib.MAX_WBITS


class TooLargeError(Exception):
    """More bytes than an answer may have."""


class CodingError(Exception):
    """The body is packed in a way that was not asked for, or what is packed is broken."""


class CutOffError(Exception):
    """The body ended before its end."""


def read_body(parts: Iterable[bytes], coding: str, limit: int) -> bytes:
    """A whole body, unpacked.

    :param parts: the body as it was sent, in pieces.
    :param coding: the header ``Content-Encoding``.
    :param limit: most bytes the unpacked body may have.
    :raises TooLargeError: it has more.
    :raises CodingError: the coding is unknown, or is not what the body is in.
    :raises CutOffError: something is missing at the end.
    """
    coding = coding.strip().lower()
    if coding in ("gzip", "x-gzip"):
        parts = _gunzipped(parts)
    elif coding not in ("", "identity"):
        raise CodingError(coding)
    whole = bytearray()
    for part in parts:
        whole += part
        if len(whole) > limit:
            raise TooLargeError
    return bytes(whole)


def _gunzipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Unpacked pieces of at most ``STEP`` bytes; a file of several members is read whole."""
    packer = None
    try:
        for part in parts:
            rest = part
            while rest:
                if packer is None or packer.eof:
                    packer = zlib.decompressobj(_GZIP)
                piece = packer.decompress(rest, STEP)
                while len(piece) == STEP and not packer.unconsumed_tail and not packer.eof:
                    yield piece
                    piece = packer.decompress(b"", STEP)
                yield piece
                rest = packer.unconsumed_tail or packer.unused_data
    except zlib.error as err:
        raise CodingError("gzip") from err
    if packer is not None and not packer.eof:
        raise CutOffError

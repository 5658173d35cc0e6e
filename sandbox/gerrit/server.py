"""A fresh Gerrit server in a few seconds: unpacked from a seeded site that was made once.

>>> with GerritServer() as gerrit:
...     number = gerrit.person("author1").create_change("tools/build", "A subject")
...     gerrit.advance(days=2)
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional, TypeVar

from sandbox.cache import cache_folder, digest, exclusive
from sandbox.gerrit import daemon, people, seed
from sandbox.gerrit.artifacts import Distribution, distribution
from sandbox.gerrit.daemon import Daemon, Moment, SeenRequest, init_site
from sandbox.gerrit.people import Person
from sandbox.ports import SandboxError

__all__ = ["GerritServer", "Person", "SeenRequest", "ServerOfItsOwn", "packed_site"]

#: A Monday, one day after the standard site was seeded.
START = "2026-03-02T09:00:00Z"
_SOURCES = tuple(Path(str(module.__file__)) for module in (daemon, people, seed))
# What Gerrit makes again by itself, or writes only for us to read.
_NOT_PACKED = ("bin", "logs", "tmp", "cache", "init.log", "gerrit.log")


_Server = TypeVar("_Server", bound="ServerOfItsOwn")


class ServerOfItsOwn(Daemon):
    """A server on its own copy of a site, started by ``with``; gone, site and all, after it.

    :raises SandboxError: something is missing on this machine, or Gerrit did not start. In the
        latter case the site and its log are kept.
    """

    def __enter__(self: _Server) -> _Server:
        try:
            self.start()
        except SandboxError:
            raise  # the site and its log are kept
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End Gerrit and remove its site."""
        super().stop()
        self.rescue()
        shutil.rmtree(self.directory, ignore_errors=True)

    def rescue(self) -> None:
        """Keep what is to outlast the site: nothing, unless a subclass knows better."""


class GerritServer(ServerOfItsOwn):
    """As :class:`ServerOfItsOwn`, on a seeded site.

    :param site: one of ``seed.SITES``.
    :param start: when its clock starts; it is frozen then.
    :param version: default: ``GERRIT_VERSION``, else the default version.
    """

    def __init__(
        self, site: str = "standard", start: Moment = START, version: Optional[str] = None
    ) -> None:
        parts = distribution(version)
        packed = packed_site(site, parts)
        super().__init__(Path(tempfile.mkdtemp(prefix="reviewloop-gerrit-")), parts, start)
        unpack(packed, self.directory)

    def rescue(self) -> None:
        """Keep its log in the cache, as ``last-gerrit.log``."""
        if self.log.exists():
            kept = cache_folder("gerrit", self.parts.version) / f"last-{self.log.name}"
            shutil.copy(self.log, kept)


def packed_site(name: str, parts: Distribution) -> Path:
    """The archive of a seeded site, made now if there is none for these sources and this version.

    :raises SandboxError: it could not be made.
    """
    folder = cache_folder("gerrit", parts.version)
    archive = folder / f"site-{name}-{digest(_SOURCES, parts.key)}.tar.gz"
    with exclusive(folder):
        if not archive.exists():
            _make_site(name, parts, archive)
    return archive


def _make_site(name: str, parts: Distribution, archive: Path) -> None:
    with _scratch("reviewloop-seed-") as directory:
        init_site(directory, parts)
        classes = parts.loaded_classes.with_suffix(".partial")
        server = Daemon(directory, parts, seed.SEEDED_AT, record=classes)
        server.start()
        try:
            seed.build_site(name, server.admin)
        finally:
            server.stop()
        if classes.exists():
            classes.replace(parts.loaded_classes)
        _pack(directory, archive)


@contextmanager
def _scratch(prefix: str) -> Iterator[Path]:
    """A folder that goes whatever happens, except when Gerrit did not start: it has the log."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    except SandboxError:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder)


def _pack(directory: Path, archive: Path) -> None:
    partial = archive.with_suffix(".partial")
    with tarfile.open(partial, "w:gz") as packing:
        for entry in sorted(directory.iterdir()):
            if entry.name not in _NOT_PACKED:
                packing.add(entry, entry.name)
    partial.replace(archive)


def unpack(archive: Path, directory: Path) -> None:
    """Unpack a site of our own making."""
    with tarfile.open(archive) as packed:
        # Python 3.12 asks for a choice here; older ones do not know it.
        packed.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
        packed.extractall(directory)


def main() -> None:
    """Run a server of the standard site by hand, until Enter is pressed."""
    with GerritServer() as gerrit:
        print(f"Gerrit {gerrit.parts.version} answers at {gerrit.url}, time {gerrit.now()}.")
        print(f"Its control port: {gerrit.control_url} (/clock, /requests, /fault).")
        input("Press Enter to end it. ")


if __name__ == "__main__":
    main()

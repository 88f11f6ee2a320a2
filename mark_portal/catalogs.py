"""Translations: .po files to .mo files without GNU gettext, which a fresh machine does not have."""

import os
from collections.abc import Iterator
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

PROJECT = Path(__file__).resolve().parent.parent


def stale(project: Path = PROJECT) -> Iterator[Path]:
    """The .po files without a .mo file as new as they are."""
    for po in sorted(project.glob("locale/*/LC_MESSAGES/*.po")):
        mo = po.with_suffix(".mo")
        if not mo.exists() or mo.stat().st_mtime_ns < po.stat().st_mtime_ns:
            yield po


def compile_stale(project: Path = PROJECT) -> list[Path]:
    """Compile what changed and return it. Fuzzy entries are left out, as GNU msgfmt does."""
    compiled = list(stale(project))
    for po in compiled:
        with po.open("rb") as source:
            catalog = read_po(source, locale=po.parent.parent.name, abort_invalid=True)
        aside = po.with_suffix(f".{os.getpid()}.tmp")  # two starts at once, and a reader in between
        with aside.open("wb") as target:
            write_mo(target, catalog)
        aside.replace(po.with_suffix(".mo"))
    return compiled

"""Translations without GNU gettext, which a fresh machine does not have: texts to .po files, .po files to .mo files.

`python -m mark_portal.catalogs` collects the texts (`make messages`).
"""

import os
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PROJECT = Path(__file__).resolve().parent.parent

# Every name by which our code calls Django's functions, and which of the arguments are texts.
CALLS = dict.fromkeys(("_", "_t", "gettext", "gettext_lazy", "gettext_noop"))
CALLS |= dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2))
CALLS |= dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2))
CALLS |= dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3))
# What `templatize` leaves of a template: such calls between figures of X. Its quoted strings never span lines.
TEMPLATE_CALL = re.compile(r"""\b(?:_|n?p?gettext)\((?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^'"()])*\)""")


def sources(project: Path = PROJECT) -> Iterator[Path]:
    """The files with texts for people: the apps' code without tests, and the templates of every kind."""
    for app in sorted(path.parent for path in project.glob("*/apps.py")):
        for path in sorted(app.rglob("*.py")):
            if not {"tests", "migrations"} & set(path.relative_to(project).parts):
                yield path
    yield from sorted(path for path in (project / "templates").rglob("*") if path.is_file())


def collect(project: Path = PROJECT) -> Catalog:
    """A fresh catalog of every text, each with the files it comes from."""
    catalog = Catalog()
    for path in sources(project):
        name = path.relative_to(project).as_posix()
        for _line, message, comments, context in extract("python", BytesIO(_python(path)), CALLS, ["Translators:"]):
            catalog.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    return catalog


def _python(path: Path) -> bytes:
    if path.suffix == ".py":
        return path.read_bytes()
    return "\n".join(TEMPLATE_CALL.findall(templatize(path.read_text(encoding="utf-8")))).encode()


def update(project: Path = PROJECT) -> list[Path]:
    """Bring the .po files up to date: new texts come in empty, those no longer used go. Returns the files."""
    files = sorted(project.glob("locale/*/LC_MESSAGES/*.po"))
    for po in files:
        catalog, fresh = read(po), BytesIO()
        catalog.update(collect(project), no_fuzzy_matching=True)
        write_po(fresh, catalog, width=100, omit_header=True, ignore_obsolete=True, include_lineno=False)
        # Our own header stays: Babel's names a time, which would change with each collecting.
        header = po.read_bytes().partition(b"\n\n")[0]
        po.write_bytes(header + b"\n\n" + fresh.getvalue().strip() + b"\n")
    return files


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
        catalog = read(po)
        aside = po.with_suffix(f".{os.getpid()}.tmp")  # two starts at once, and a reader in between
        with aside.open("wb") as target:
            write_mo(target, catalog)
        aside.replace(po.with_suffix(".mo"))
    return compiled


def read(po: Path) -> Catalog:
    with po.open("rb") as source:
        return read_po(source, locale=po.parent.parent.name, abort_invalid=True)


def untranslated(po: Path) -> list[str]:
    """What is left to do in a catalog: its texts without a translation."""
    texts = [(message.id, message.string) for message in read(po) if message.id]
    return [str(text) for text, said in texts if not (all(said) if isinstance(said, list | tuple) else said)]


if __name__ == "__main__":
    for updated in update():
        left = untranslated(updated)
        sys.stdout.write("\n  ".join([f"{updated.relative_to(PROJECT)}: {len(left)} texts to translate", *left]) + "\n")

"""Translations are compiled without GNU gettext, plural forms and all."""

import gettext
import os

from mark_portal import catalogs

PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=4; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : "
"n%10==0 || (n%10>=5 && n%10<=9) || (n%100>=11 && n%100<=14)? 2 : 3);\\n"

msgid "Pay"
msgstr "Оплатить"

#, fuzzy
msgid "Maybe"
msgstr "Может быть"

msgid "%(days)s day"
msgid_plural "%(days)s days"
msgstr[0] "%(days)s день"
msgstr[1] "%(days)s дня"
msgstr[2] "%(days)s дней"
msgstr[3] "%(days)s дней"
"""


def a_project(folder):
    messages = folder / "locale" / "ru" / "LC_MESSAGES"
    messages.mkdir(parents=True)
    (messages / "django.po").write_text(PO)
    return messages / "django.mo"


def test_a_catalog_is_compiled_with_its_plural_forms_and_without_fuzzy_entries(tmp_path):
    mo = a_project(tmp_path)

    catalogs.compile_stale(tmp_path)

    with mo.open("rb") as file:
        russian = gettext.GNUTranslations(file)
    assert russian.gettext("Pay") == "Оплатить"
    assert russian.gettext("Maybe") == "Maybe"
    plurals = [russian.ngettext("%(days)s day", "%(days)s days", days) for days in (1, 3, 11, 25)]
    assert plurals == ["%(days)s день", "%(days)s дня", "%(days)s дней", "%(days)s дней"]


def test_only_a_changed_catalog_is_compiled_again(tmp_path):
    mo = a_project(tmp_path)
    catalogs.compile_stale(tmp_path)

    again = catalogs.compile_stale(tmp_path)
    os.utime(mo, (0, 0))
    after_change = catalogs.compile_stale(tmp_path)

    assert again == []
    assert after_change == [mo.with_suffix(".po")]

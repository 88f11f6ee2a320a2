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


def sources_in(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_texts_are_collected_from_code_by_every_name_it_calls_gettext(tmp_path):
    sources_in(
        tmp_path,
        shop__apps_dot_py="",
        shop__views_dot_py='_("Pay")\n_t("Paid")\npgettext_lazy("of a day", "short")\n',
        shop__sums_dot_py='ngettext("%(n)d sum", "%(n)d sums", n)\n',
        shop__tests__test_views_dot_py='_("Only a test")\n',
        shop__migrations__0001_dot_py='_("Only a migration")\n',
    )

    catalog = catalogs.collect(tmp_path)

    found = {(message.context, message.id) for message in catalog if message.id}
    assert found == {(None, "Pay"), (None, "Paid"), ("of a day", "short"), (None, ("%(n)d sum", "%(n)d sums"))}


def test_texts_are_collected_from_templates_of_every_kind(tmp_path):
    page = """{% load i18n %}<h1 title="it's (here)">{% translate "Don't pay (again)" %}</h1>
    {{ reason|default:_("No reason.") }} {% translate "May" context "a month" %}
    {% blocktranslate trimmed count n=days %}
      {{ n }} day
    {% plural %}
      {{ n }} days
    {% endblocktranslate %}"""
    sources_in(
        tmp_path, templates__page_dot_html=page, templates__app_dot_webmanifest='{"name": "{% translate "App" %}"}'
    )

    catalog = catalogs.collect(tmp_path)

    found = {(message.context, message.id) for message in catalog if message.id}
    assert found == {
        (None, "Don't pay (again)"),
        (None, "No reason."),
        ("a month", "May"),
        (None, ("%(n)s day", "%(n)s days")),
        (None, "App"),
    }


def test_collecting_keeps_translations_adds_new_texts_empty_and_drops_unused_ones(tmp_path):
    po = a_project(tmp_path).with_suffix(".po")
    sources_in(tmp_path, shop__apps_dot_py='_("Pay")\n_("Fresh")\n')

    catalogs.update(tmp_path)

    russian = catalogs.read(po)
    assert {message.id: message.string for message in russian if message.id} == {"Pay": "Оплатить", "Fresh": ""}
    assert not russian.obsolete


def test_collecting_twice_changes_nothing(tmp_path):
    po = a_project(tmp_path).with_suffix(".po")
    sources_in(tmp_path, shop__apps_dot_py='_("Pay")\n_("Fresh")\n')
    catalogs.update(tmp_path)
    first = po.read_bytes()

    catalogs.update(tmp_path)

    assert po.read_bytes() == first

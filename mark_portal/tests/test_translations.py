"""The Russian catalog says everything the portal says, as of these very sources."""

import ast
import re

import pytest

from mark_portal import catalogs

RUSSIAN = catalogs.PROJECT / "locale" / "ru" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sdf]|\{\w*\}")
RUN = "run `make messages` and translate what is new"


@pytest.fixture(scope="module")
def russian():
    return {_key(message): message for message in catalogs.read(RUSSIAN) if message.id}


@pytest.fixture(scope="module")
def collected():
    return {_key(message): message for message in catalogs.collect() if message.id}


def _key(message):
    return message.context, message.id


def _texts(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)


def _pairs(messages):
    """Each source text beside each of its translations."""
    for message in messages.values():
        sources = [message.id] if isinstance(message.id, str) else message.id
        for text in _texts(message):
            yield sources[-1], text


def test_the_catalog_holds_the_texts_of_these_sources_and_no_others(russian, collected):
    missing = collected.keys() - russian.keys()
    unused = russian.keys() - collected.keys()

    assert not missing, RUN
    assert not unused, RUN


def test_every_text_has_a_russian_translation(russian):
    empty = [message.id for message in russian.values() if not all(text.strip() for text in _texts(message))]

    assert not empty, RUN


def test_no_translation_is_a_guess_or_left_over(russian):
    fuzzy = [message.id for message in russian.values() if message.fuzzy]
    obsolete = list(catalogs.read(RUSSIAN).obsolete)

    assert not fuzzy
    assert not obsolete


def test_every_counted_text_has_the_three_russian_forms(russian):
    counted = [message for message in russian.values() if message.pluralizable]

    forms = {message.id: len(_texts(message)) for message in counted}

    assert counted
    assert set(forms.values()) == {3}


def test_a_translation_fills_in_what_its_source_fills_in(russian):
    differing = [
        (source, text)
        for source, text in _pairs(russian)
        if sorted(PLACEHOLDER.findall(source)) != sorted(PLACEHOLDER.findall(text))
    ]

    assert not differing


def test_a_translation_begins_and_ends_with_the_same_spaces_as_its_source(russian):
    def edges(text):
        return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]

    differing = [(source, text) for source, text in _pairs(russian) if edges(source) != edges(text)]

    assert not differing


def test_a_translation_keeps_the_tags_of_its_source(russian):
    tags = re.compile(r"</?\w+")

    differing = [
        (source, text) for source, text in _pairs(russian) if sorted(tags.findall(source)) != sorted(tags.findall(text))
    ]

    assert not differing


def test_russian_quotes_are_the_russian_ones(russian):
    in_tags = re.compile(r"<[^>]*>")

    straight = [text for _source, text in _pairs(russian) if re.search(r"[\"“”]", in_tags.sub("", text))]

    assert not straight


def test_our_code_calls_gettext_only_by_names_that_are_collected():
    unknown = []
    for path in catalogs.sources():
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                    names = [alias.asname or alias.name for alias in node.names if "gettext" in alias.name]
                    unknown += [(path.name, name) for name in names if name not in catalogs.CALLS]

    assert not unknown

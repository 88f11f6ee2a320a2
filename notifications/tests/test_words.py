"""What notices say."""

import ast
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.utils import translation

from notifications import words
from notifications.models import Notice, Topic
from notifications.tests.factories import NOON, NoticeFactory

TEXTS = settings.BASE_DIR / "templates" / "notices"


@pytest.fixture
def text(tmp_path, settings):
    """A function that words a notice by a text given to it."""
    templates = settings.TEMPLATES[0] | {"DIRS": [tmp_path]}
    settings.TEMPLATES = [templates]
    (tmp_path / "notices").mkdir()

    def say(content, **facts):
        (tmp_path / "notices" / "tried.txt").write_text(content)
        return words.of(NoticeFactory.build(contract=None, kind="tried", facts=facts))

    return say


def test_the_first_line_is_the_title_and_a_last_address_is_the_link(text):
    said = text("Title\nOne.\nTwo.\n/cabinet/\n")

    assert (said.title, said.text, said.link) == ("Title", "One.\nTwo.", "/cabinet/")


def test_a_title_alone_is_enough(text):
    said = text("{% load i18n %}\nTitle\n")

    assert (said.title, said.text, said.link) == ("Title", "", "")


def test_sums_and_times_are_written_for_people(text, time_machine):
    time_machine.move_to(NOON, tick=False)  # a day of another year is written with its year

    said = text(
        "{% load dates money %}{{ sum|rubles }} · {{ at|moment }} · {{ on|day }}",
        sum="1234.50",
        at="2026-11-20T08:00:00Z",
        on="2026-12-01",
    )

    assert said.title.replace("\N{NO-BREAK SPACE}", " ") == "1,234.50 ₽ · 20 November, 12:00 · 1 December"


@pytest.mark.parametrize("value", ["0042", "100001", "2026-99-99", "20261120", "2026-11-20T99:00", "x" * 50])
def test_what_only_looks_like_a_time_stays_what_it_is(value):
    notice = NoticeFactory.build(contract=None, facts={"value": value})

    assert words.facts(notice) == {"value": value}


def test_times_within_lists_are_found():
    notice = NoticeFactory.build(contract=None, facts={"lines": [{"on": "2026-12-01"}], "at": "2026-12-01T00:00:00Z"})

    assert words.facts(notice) == {"lines": [{"on": date(2026, 12, 1)}], "at": datetime(2026, 12, 1, tzinfo=UTC)}


def test_a_name_is_not_escaped_twice(text):
    assert text("{{ name }}", name="ООО «А&Б» <1>").title == "ООО «А&Б» <1>"


@pytest.mark.parametrize("kind", ["of_a_kind_that_is_gone", "../base"])
def test_a_kind_without_words_is_called_by_its_topic(kind):
    said = words.of(NoticeFactory.build(contract=None, kind=kind, topic=Topic.OUTAGE))

    assert (said.title, said.text, said.link, said.icon) == ("Outages and works", "", "", "plug")


def test_a_notice_that_lacks_a_fact_is_called_by_its_topic():
    assert words.of(NoticeFactory.build(contract=None, kind="payment_credited", facts={})).title == "Money"


def test_words_are_in_the_readers_language():
    notice = NoticeFactory.build(contract=None, kind="payment_credited", facts={"sum": "500.00"})

    with translation.override("ru"):
        said = words.of(notice)

    assert "500,00" in said.title


@pytest.mark.parametrize("topic", Topic)
def test_each_topic_has_a_picture(topic):
    pictures = (settings.BASE_DIR / "static" / "img" / "icons.svg").read_text()

    assert f'id="{words.ICONS[topic]}"' in pictures


def told_kinds():
    """Every kind that the code tells, by reading it: the third argument of `outbox.tell` and `tell_many`."""
    for app in ("accounts", "notifications", "billing", "tariffs", "support", "mark_portal"):
        for path in (settings.BASE_DIR / app).rglob("*.py"):
            if "tests" not in path.parts:
                yield from _kinds_in(path)


def _kinds_in(path: Path):
    tree = ast.parse(path.read_text())
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("outbox.tell", "outbox.tell_many"):
            kinds = list(_strings(call.args[2], tree))
            assert kinds, f"{path}:{call.lineno} tells a kind that this test does not find: write it beside the call"
            yield from kinds


def _name_of(function):
    return getattr(function, "attr", getattr(function, "id", ""))


def _strings(node, tree):
    """What a name, a choice between two or a parameter can be."""
    if isinstance(node, ast.Constant):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_strings(node.body, tree), *_strings(node.orelse, tree))
    elif isinstance(node, ast.Name):
        for other in ast.walk(tree):
            if isinstance(other, ast.Assign) and any(_name_of(target) == node.id for target in other.targets):
                yield from _strings(other.value, tree)
            if isinstance(other, ast.FunctionDef) and node in ast.walk(other):
                yield from _given(other, node.id, tree)


def _given(function, parameter, tree):
    names = [argument.arg for argument in function.args.args]
    for call in ast.walk(tree):
        if parameter in names and isinstance(call, ast.Call) and _name_of(call.func) == function.name:
            yield from _strings(call.args[names.index(parameter)], tree)


def test_each_kind_that_is_told_has_its_words():
    kinds = set(told_kinds())

    assert "payment_credited" in kinds
    assert {kind for kind in kinds if not (TEXTS / f"{kind}.txt").exists()} == set()


@pytest.mark.parametrize("path", sorted(TEXTS.glob("*.txt")), ids=lambda path: path.stem)
def test_each_text_can_be_read(path):
    assert get_template(f"notices/{path.name}")
    assert len(path.stem) <= Notice._meta.get_field("kind").max_length

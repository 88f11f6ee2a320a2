"""Correcting a register's differences: the accounts then say what the register says, once, whoever clicks."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts import journal
from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory, StaffFactory
from billing import registry_corrections, terminals
from billing.models import Account, LedgerEntry, Payment, Receipt, Registry, RegistryLine
from billing.registry_corrections import CorrectionRefused
from billing.tests.factories import NOON, put
from billing.tests.test_registries import DAY, MORNING_AFTER, accept, paid, row
from notifications.models import Notice

Difference = RegistryLine.Difference

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract():
    return ContractFactory(number="600001")


def line_of(registry, number="1"):
    return RegistryLine.objects.get(registry=registry, number=number)


def correct(line, *, by=None):
    return registry_corrections.correct(line.pk, by=by or StaffFactory(), now=MORNING_AFTER)


def balance(contract):
    return Account.objects.get(pk=contract.pk).balance


def again(registry):
    """The differences that the very same register would have now."""
    lines = registry.lines.exclude(difference=Difference.EXTRA)
    rows = [row(line.number, line.contract_number, line.amount, line.paid_at) for line in lines]
    registry.delete()
    fresh = accept(*rows)
    return set(fresh.lines.values_list("difference", flat=True))


def test_a_missing_payment_is_credited_under_its_number(contract):
    registry = accept(row())

    line = correct(line_of(registry))

    payment = Payment.objects.get()
    assert (payment.gateway, payment.gateway_id, payment.paid_at) == ("osmp", "1", NOON)
    assert (line.payment, balance(contract)) == (payment, 500)
    assert Receipt.objects.get().state == Receipt.State.BY_AGENT
    assert again(registry) == {Difference.NONE}


def test_the_terminal_that_repeats_it_later_gets_the_same_payment(contract):
    line = correct(line_of(accept(row())))

    assert paid(contract).pk == line.payment_id
    assert balance(contract) == 500


def test_a_missing_payment_of_a_terminated_contract_is_credited_too(contract):
    Contract.objects.update(state=Contract.State.TERMINATED, ended_on=DAY)

    correct(line_of(accept(row())))

    assert balance(contract) == 500


def test_a_cancelled_payment_comes_back(contract):
    payment = paid(contract)
    terminals.cancel(payment.pk, gateway="osmp", now=NOON)
    registry = accept(row(amount=450))

    correct(line_of(registry))

    payment.refresh_from_db()
    assert (payment.state, payment.failure, payment.amount, balance(contract)) == ("succeeded", "", 450, 450)
    assert again(registry) == {Difference.NONE}


@pytest.mark.parametrize("told", ["450.50", "620"])
def test_another_sum_is_mended_by_its_difference(contract, told):
    payment = paid(contract)
    registry = accept(row(amount=told))
    line = line_of(registry)

    correct(line)

    payment.refresh_from_db()
    assert (payment.amount, balance(contract)) == (Decimal(told), Decimal(told))
    assert LedgerEntry.objects.get(key=f"register:{line.pk}").amount == Decimal(told) - 500
    assert again(registry) == {Difference.NONE}


def test_a_payment_of_another_contract_moves_with_the_registers_sum(contract):
    wrong = ContractFactory()
    payment = paid(wrong)
    registry = accept(row(amount=450))

    correct(line_of(registry))

    payment.refresh_from_db()
    assert (payment.account_id, payment.amount) == (contract.pk, 450)
    assert (balance(wrong), balance(contract)) == (0, 450)
    assert again(registry) == {Difference.NONE}


def test_a_payment_that_the_register_does_not_have_is_taken_back(contract):
    payment = paid(contract)
    registry = accept()

    correct(line_of(registry))

    payment.refresh_from_db()
    assert (payment.state, payment.failure, balance(contract)) == ("cancelled", "reversed", 0)
    assert again(registry) == set()


def test_spent_money_is_taken_back_too(contract):
    paid(contract)
    put(contract.pk, -400)

    correct(line_of(accept()))

    assert balance(contract) == -400


def test_the_entry_and_the_journal_name_the_author(contract):
    paid(contract)
    accountant, registry = StaffFactory(), accept(row(amount=450))
    line = line_of(registry)

    correct(line, by=accountant)

    line.refresh_from_db()
    entry = journal.of(registry).get(action="register_corrected")
    assert (line.corrected_by, line.corrected_at) == (accountant, MORNING_AFTER)
    assert LedgerEntry.objects.get(key=f"register:{line.pk}").author == accountant
    assert entry.actor == accountant
    assert entry.changes == {
        "number": "1",
        "difference": "another sum",
        "register": "600001: 450.00",
        "ours": "600001: 500.00",
    }


def test_correcting_again_changes_nothing(contract):
    line = line_of(accept(row()))
    first, second = correct(line), correct(line)

    assert (first.corrected_by, balance(contract)) == (second.corrected_by, 500)


def kinds_told(contract):
    return set(Notice.objects.filter(contract=contract).values_list("kind", flat=True))


def test_the_subscribers_of_a_moved_payment_are_told(contract):
    wrong = ContractFactory()
    paid(wrong)

    correct(line_of(accept(row())))

    assert kinds_told(contract) == {"payment_credited"}
    assert kinds_told(wrong) == {"payment_credited", "payment_reversed"}


def test_the_subscriber_of_a_mended_sum_is_told(contract):
    paid(contract)

    correct(line_of(accept(row(amount=450))))

    assert Notice.objects.get(kind="payment_mended").facts == {"was": "500.00", "sum": "450.00"}


# --- What cannot be corrected ---------------------------------------------------------------------------------------
def refusal(line, *, by=None):
    with pytest.raises(CorrectionRefused) as refused:
        correct(line, by=by)
    shown = registry_corrections.refusal(line, by=by or StaffFactory())
    assert shown == str(refused.value)
    return shown


def test_an_unknown_contract_is_for_a_person(contract):
    assert "No contract has this number" in refusal(line_of(accept(row(contract_number="999999"))))


def test_what_agrees_is_left_alone(contract):
    paid(contract)

    assert "Nothing is left" in refusal(line_of(accept(row())))


def test_a_large_sum_wants_another_person_than_the_uploader(contract, settings):
    settings.ADJUSTMENT_NEEDS_SECOND_ABOVE = 5000
    uploader = StaffFactory()
    line = line_of(accept(row(amount="5000.01"), by=uploader))

    assert "another person" in refusal(line, by=uploader)
    assert balance(contract) == 0
    assert correct(line).corrected_at


def test_up_to_the_limit_one_person_is_enough(contract, settings):
    settings.ADJUSTMENT_NEEDS_SECOND_ABOVE = 5000
    uploader = StaffFactory()

    correct(line_of(accept(row(amount=5000), by=uploader)), by=uploader)

    assert balance(contract) == 5000


def test_a_small_difference_of_large_sums_is_small(contract, settings):
    uploader = StaffFactory()
    paid(contract, amount=90_000)

    correct(line_of(accept(row(amount=89_999), by=uploader)), by=uploader)

    assert balance(contract) == 89_999


# --- What changed since the upload ----------------------------------------------------------------------------------
def test_a_payment_that_arrived_meanwhile_is_not_credited_twice(contract):
    line = line_of(accept(row()))
    payment = paid(contract)

    seen = correct(line)

    assert (seen.difference, seen.payment, seen.corrected_at, balance(contract)) == (
        Difference.NONE,
        payment,
        None,
        500,
    )


def test_a_difference_that_turned_into_another_waits_for_another_click(contract):
    line = line_of(accept(row()))
    paid(contract, amount=300)

    seen = correct(line)

    assert (seen.difference, seen.corrected_at, balance(contract)) == (Difference.SUM, None, 300)
    correct(line)
    assert balance(contract) == 500


def test_an_extra_payment_that_another_register_has_stays(contract):
    payment = paid(contract)
    line = line_of(accept())
    next_day = DAY + timedelta(days=1)
    accept(row(at=NOON + timedelta(days=1)), day=next_day, now=NOON + timedelta(days=3))

    seen = correct(line)

    payment.refresh_from_db()
    assert (seen.difference, payment.state, balance(contract)) == (Difference.NONE, "succeeded", 500)


def test_an_extra_payment_cancelled_meanwhile_is_not_taken_back_twice(contract):
    payment = paid(contract)
    line = line_of(accept())
    terminals.cancel(payment.pk, gateway="osmp", now=NOON)

    assert correct(line).difference == Difference.NONE
    assert balance(contract) == 0


def test_a_line_of_a_replaced_register_is_gone(contract):
    line = line_of(accept(row()))
    accept(row())

    with pytest.raises(CorrectionRefused, match="uploaded again"):
        correct(line)


# --- At once --------------------------------------------------------------------------------------------------------
def setting_up(difference, contract):
    """A register with this one difference, and the balance that is right once it is corrected."""
    if difference == Difference.MISSING:
        return accept(row()), 500
    if difference == Difference.SUM:
        paid(contract)
        return accept(row(amount=450)), 450
    if difference == Difference.CONTRACT:
        paid(ContractFactory())
        return accept(row()), 500
    paid(contract)
    return accept(), 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("difference", [Difference.MISSING, Difference.SUM, Difference.CONTRACT, Difference.EXTRA])
def test_ten_clicks_at_once_correct_once(difference):
    contract, accountant = ContractFactory(number="600001"), StaffFactory()
    registry, right = setting_up(difference, contract)
    line, entries = line_of(registry), LedgerEntry.objects.count()

    answers = at_once(10, lambda _n: correct(line, by=accountant))

    assert {type(answer) for answer in answers} == {RegistryLine}
    assert balance(contract) == right
    assert LedgerEntry.objects.count() - entries == (2 if difference == Difference.CONTRACT else 1)
    assert journal.of(registry).filter(action="register_corrected").count() == 1


@pytest.mark.django_db(transaction=True)
def test_correcting_while_the_terminal_repeats_credits_once():
    contract, accountant = ContractFactory(number="600001"), StaffFactory()
    line = line_of(accept(row()))

    at_once(10, lambda n: correct(line, by=accountant) if n % 2 else paid(contract))

    assert balance(contract) == 500


@pytest.mark.django_db(transaction=True)
def test_moving_to_and_fro_at_once_does_not_deadlock():
    first, second, accountant = ContractFactory(number="600001"), ContractFactory(number="600002"), StaffFactory()
    paid(first, txn="1")
    paid(second, txn="2")
    registry = accept(row("1", "600002"), row("2", "600001"))
    lines = [line_of(registry, "1"), line_of(registry, "2")]

    answers = at_once(10, lambda n: correct(lines[n % 2], by=accountant))

    assert {type(answer) for answer in answers} == {RegistryLine}
    assert (balance(first), balance(second)) == (500, 500)


@pytest.mark.django_db(transaction=True)
def test_replacing_a_register_while_it_is_corrected_loses_no_correction():
    contract, accountant = ContractFactory(number="600001"), StaffFactory()
    line = line_of(accept(row()))

    at_once(8, lambda n: correct(line, by=accountant) if n % 2 else accept(row(), by=accountant))

    kept = line_of(Registry.objects.get())
    corrected_once = LedgerEntry.objects.count()
    assert (balance(contract), kept.corrected_at is not None) in {(500, True), (0, False)}
    assert corrected_once == int(kept.corrected_at is not None)

"""The code on an invoice."""

from decimal import Decimal

import pytest

from billing import payment_code

COMPANY = {
    "name": "ООО «Марк»",
    "account": "40702810699900001234",
    "bank": "АО «Банк»",
    "bic": "049401999",
    "corr_account": "30101810400000000999",
    "inn": "1899001001",
    "kpp": "189901001",
}


def written(purpose="Оплата по счёту", amount="650.5", **changes) -> str:
    return payment_code.text(COMPANY | changes, amount=Decimal(amount), purpose=purpose)


def test_the_obligatory_requisites_come_first_and_the_sum_is_in_kopecks():
    assert written() == (
        "ST00012|Name=ООО «Марк»|PersonalAcc=40702810699900001234|BankName=АО «Банк»|BIC=049401999"
        "|CorrespAcc=30101810400000000999|PayeeINN=1899001001|KPP=189901001|Sum=65050|Purpose=Оплата по счёту"
    )


def test_a_sole_trader_has_no_kpp():
    assert "KPP" not in written(kpp="")


@pytest.mark.parametrize("purpose", ["a|Sum=1", "a\n b", "a  b"])
def test_a_value_cannot_bring_a_field_of_its_own(purpose):
    text = written(purpose)

    assert len(text.split("|")) == 10
    assert text.split("|")[-1].startswith("Purpose=a ")


def test_a_value_is_as_long_as_the_standard_allows():
    assert written("ы" * 300).endswith("Purpose=" + "ы" * 210)


def test_the_code_is_a_drawing_with_a_quiet_zone():
    drawing = payment_code.svg(written())

    assert drawing.startswith("<svg")
    assert "script" not in drawing

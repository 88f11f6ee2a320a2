"""The code on an invoice that a bank's application reads: GOST R 56042-2014 in a QR symbol."""

from __future__ import annotations

import io
from collections.abc import Mapping
from decimal import Decimal

import segno

# The standard's format, its version, and UTF-8.
HEADER = "ST00012"
SEPARATOR = "|"
LONGEST = {"Name": 160, "PersonalAcc": 20, "BankName": 45, "BIC": 9, "CorrespAcc": 20, "PayeeINN": 12, "KPP": 9}
LONGEST |= {"Sum": 18, "Purpose": 210}


def text(company: Mapping[str, str], *, amount: Decimal, purpose: str) -> str:
    """The requisites that must stand first, then the sum in kopecks and the purpose; empty ones are left out."""
    fields = {
        "Name": company["name"],
        "PersonalAcc": company["account"],
        "BankName": company["bank"],
        "BIC": company["bic"],
        "CorrespAcc": company["corr_account"],
        "PayeeINN": company["inn"],
        "KPP": company["kpp"],
        "Sum": str(int(amount * 100)),
        "Purpose": purpose,
    }
    pairs = [f"{name}={_value(value)[: LONGEST[name]]}" for name, value in fields.items() if value]
    return SEPARATOR.join([HEADER, *pairs])


def _value(text: str) -> str:
    return " ".join(text.replace(SEPARATOR, " ").split())


def svg(text: str) -> str:
    drawn = io.BytesIO()
    code = segno.make_qr(text, error="m", encoding="utf-8", boost_error=False)
    code.save(drawn, kind="svg", border=4, xmldecl=False)
    return drawn.getvalue().decode()

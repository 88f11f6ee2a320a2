"""What YooKassa knows and does, after its published API; `yookassa_server` serves it over HTTP."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

SHOP, KEY = "100500", "test_only-for-tests"


class Wrong(Exception):
    def __init__(self, status: int, code: str, description: str, parameter: str = "") -> None:
        super().__init__(description)
        self.status = status
        self.content = {"type": "error", "id": str(uuid4()), "code": code, "description": description}
        if parameter:
            self.content["parameter"] = parameter


class Shop:
    def __init__(self) -> None:
        self.url = ""
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.receipts: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, tuple[Any, dict[str, Any]]] = {}  # by idempotence key: what was asked, the object
        self.asked: Counter[str] = Counter()  # "POST /payments"
        self.bodies: list[dict[str, Any]] = []
        self.distort: Callable[[dict[str, Any]], object] = id  # changes an answer before it is sent
        self.refund_status, self.receipt_status = "succeeded", "pending"
        self.charge_reason = ""  # why a saved method is not charged
        self.faults: deque[Any] = deque()
        self.over = threading.Event()
        self.lock = threading.RLock()

    # --- What a test tells it

    def next(self, *faults: object, to: str = "") -> None:
        """Spoil the next answers, one fault each; `to` is the HTTP method that they wait for."""
        self.faults.extend((fault, to) for fault in faults)

    def fault_for(self, method: str) -> Any:
        if self.faults and self.faults[0][1] in ("", method):
            return self.faults.popleft()[0]
        return None

    def pay(self, number: str, *, card: str = "4477", network: str = "Mir") -> None:
        """The payer has paid."""
        payment = self.payments[number]
        payment |= {"status": "succeeded", "paid": True, "captured_at": moment(), "refundable": True}
        method = payment["payment_method"]
        method["saved"] = bool(payment.pop("_saving", False))
        if method["type"] == "bank_card":
            method |= {"title": f"Bank card *{card}", "card": card_of(card, network)}

    def cancel(self, number: str, reason: str) -> None:
        details = {"party": "payment_network", "reason": reason}
        self.payments[number] |= {"status": "canceled", "cancellation_details": details}

    def finish_refund(self, number: str, *, reason: str = "") -> None:
        self.refunds[number]["status"] = "canceled" if reason else "succeeded"
        if reason:
            self.refunds[number]["cancellation_details"] = {"party": "refund_network", "reason": reason}

    def register(self, number: str) -> None:
        self.receipts[number] |= {
            "status": "succeeded",
            "fiscal_document_number": "3986",
            "fiscal_storage_number": "9288000100115785",
            "fiscal_attribute": "2617603921",
            "registered_at": moment(),
        }

    # --- The API

    def answer(self, method: str, address: str, key: str | None, body: Any) -> dict[str, Any]:
        path, _, search = address.partition("?")
        kind, _, number = path.removeprefix("/v3/").partition("/")
        query = dict(parse_qsl(search))
        self.asked[f"{method} /{kind}"] += 1
        objects = {"payments": self.payments, "refunds": self.refunds, "receipts": self.receipts}.get(kind)
        if objects is None or (method == "POST" and number):
            raise Wrong(404, "not_found", "No such address")
        if method == "GET":
            return self.found(objects, number) if number else self.listed(objects, query)
        with self.lock:
            return self.once(kind, objects, key, body)

    def found(self, objects: dict[str, Any], number: str) -> dict[str, Any]:
        if number not in objects:
            raise Wrong(404, "not_found", "Object doesn't exist or access denied")
        return objects[number]

    def listed(self, objects: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        if not query.keys() <= {"payment_id", "refund_id", "status"}:
            raise Wrong(400, "invalid_request", f"Unknown parameters {query}")
        found = [one for one in objects.values() if query.items() <= one.items()]
        return {"type": "list", "items": found}

    def once(self, kind: str, objects: dict[str, Any], key: str | None, body: Any) -> dict[str, Any]:
        if not key or len(key) > 64:
            raise Wrong(400, "invalid_request", "Idempotence-Key is missing or too long", "Idempotence-Key")
        if not isinstance(body, dict):
            raise Wrong(400, "invalid_request", "The body is not a JSON object")
        self.bodies.append(body)
        if key in self.answers:
            asked, made = self.answers[key]
            if asked != [kind, body]:
                raise Wrong(400, "invalid_request", "Idempotence key duplicated", "Idempotence-Key")
            return made
        make = {"payments": self.new_payment, "refunds": self.new_refund, "receipts": self.new_receipt}[kind]
        made = make(body)
        objects[made["id"]] = made
        self.answers[key] = [kind, body], made
        return made

    def new_payment(self, body: dict[str, Any]) -> dict[str, Any]:
        amount = money(body)
        if len(body.get("description", "")) > 128:
            raise Wrong(400, "invalid_request", "Too long", "description")
        if any(not isinstance(value, str) or len(value) > 512 for value in body.get("metadata", {}).values()):
            raise Wrong(400, "invalid_request", "Wrong metadata", "metadata")
        made = {
            "id": number(),
            "amount": amount,
            "description": body.get("description", ""),
            "recipient": {"account_id": SHOP, "gateway_id": "2001"},
            "created_at": moment(),
            "metadata": body.get("metadata", {}),
            "paid": False,
            "refundable": False,
            "test": True,
        }
        how = self.charged(body) if "payment_method_id" in body else self.confirmed(body)
        return made | how

    def confirmed(self, body: dict[str, Any]) -> dict[str, Any]:
        kind, wanted = body.get("payment_method_data", {}).get("type"), body.get("confirmation", {})
        if (kind, wanted.get("type")) not in (("bank_card", "redirect"), ("sbp", "qr"), ("sbp", "redirect")):
            raise Wrong(400, "invalid_request", "Wrong confirmation", "confirmation.type")
        if wanted["type"] == "qr":
            confirmation = {"type": "qr", "confirmation_data": f"https://qr.nspk.ru/AS1000{uuid4().hex[:24].upper()}"}
        else:
            if not wanted.get("return_url"):
                raise Wrong(400, "invalid_request", "Return address is missing", "confirmation.return_url")
            address = f"https://yoomoney.ru/checkout/payments/v2/contract?orderId={uuid4()}"
            confirmation = {"type": "redirect", "confirmation_url": address, "return_url": wanted["return_url"]}
        return {
            "status": "pending",
            "payment_method": {"type": kind, "id": number(), "saved": False},
            "confirmation": confirmation,
            "_saving": bool(body.get("save_payment_method")),
        }

    def charged(self, body: dict[str, Any]) -> dict[str, Any]:
        saved = [one["payment_method"] for one in self.payments.values() if one["payment_method"]["saved"]]
        method = next((one for one in saved if one["id"] == body["payment_method_id"]), None)
        if method is None:
            raise Wrong(400, "invalid_request", "Payment method not found", "payment_method_id")
        if self.charge_reason:
            details = {"party": "payment_network", "reason": self.charge_reason}
            return {"status": "canceled", "payment_method": deepcopy(method), "cancellation_details": details}
        return {"status": "succeeded", "paid": True, "captured_at": moment(), "payment_method": deepcopy(method)}

    def new_refund(self, body: dict[str, Any]) -> dict[str, Any]:
        amount = money(body)
        payment = self.payments.get(body.get("payment_id", ""))
        if payment is None or payment["status"] != "succeeded":
            raise Wrong(400, "invalid_request", "Payment doesn't exist or is not paid", "payment_id")
        back = sum(
            Decimal(one["amount"]["value"]) for one in self.refunds.values() if one["payment_id"] == payment["id"]
        )
        if back + Decimal(amount["value"]) > Decimal(payment["amount"]["value"]):
            raise Wrong(400, "invalid_request", "Refund is larger than the rest of the payment", "amount.value")
        made = {"id": number(), "payment_id": payment["id"], "amount": amount, "created_at": moment()}
        return made | {"status": self.refund_status, "description": body.get("description", "")}

    def new_receipt(self, body: dict[str, Any]) -> dict[str, Any]:
        occasion = {"payment": ("payment_id", self.payments), "refund": ("refund_id", self.refunds)}.get(
            body.get("type")
        )
        if occasion is None or body.get(occasion[0]) not in occasion[1]:
            raise Wrong(400, "invalid_request", "The receipt is for nothing we know", "type")
        customer = body.get("customer", {})
        if not (
            re.fullmatch(r"[^@ ]+@[^@ ]+\.[^@ ]+", customer.get("email", "")) or customer.get("phone", "").isdigit()
        ):
            raise Wrong(400, "invalid_request", f"Wrong contact {customer}", "customer")
        total = sum(Decimal(money(one)["value"]) * Decimal(one["quantity"]) for one in body["items"])
        settled = sum(Decimal(money(one)["value"]) for one in body["settlements"])
        if body.get("send") is not True or total != settled:
            raise Wrong(400, "invalid_request", "Items and settlements differ", "settlements")
        if any(one["vat_code"] not in range(1, 13) or len(one["description"]) > 128 for one in body["items"]):
            raise Wrong(400, "invalid_request", "Wrong item", "items")
        made = {"id": "rt-" + number(), "type": body["type"], "status": self.receipt_status, "items": body["items"]}
        return made | {"settlements": body["settlements"], occasion[0]: body[occasion[0]]}


def money(body: dict[str, Any]) -> dict[str, str]:
    amount = body.get("amount") or {}
    value, currency = amount.get("value"), amount.get("currency")
    if not isinstance(value, str) or not re.fullmatch(r"\d+\.\d{2}", value) or Decimal(value) <= 0:
        raise Wrong(400, "invalid_request", "Wrong sum", "amount.value")
    if currency != "RUB":
        raise Wrong(400, "invalid_request", "Wrong currency", "amount.currency")
    return {"value": value, "currency": currency}


def number() -> str:
    return str(uuid4())


def moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def card_of(last4: str, network: str) -> dict[str, str]:
    return {
        "first6": "220220",
        "last4": last4,
        "expiry_month": "12",
        "expiry_year": "2030",
        "card_type": network,
        "issuer_country": "RU",
    }

"""The tables of money, a module a topic."""

from .autopay import Autopay, PaymentMethod
from .ledger import Account, Adjustment, EntryKind, LedgerEntry
from .payments import GatewayMessage, Payment, Refund
from .promises import PromisedPayment
from .receipts import Receipt
from .registries import Registry, RegistryLine
from .sandbox import BankPayment

__all__ = [
    "Account",
    "Adjustment",
    "Autopay",
    "BankPayment",
    "EntryKind",
    "GatewayMessage",
    "LedgerEntry",
    "Payment",
    "PaymentMethod",
    "PromisedPayment",
    "Receipt",
    "Refund",
    "Registry",
    "RegistryLine",
]

"""The staff's pages of money, a module a topic."""

from . import ledger, payments, receipts  # noqa: F401

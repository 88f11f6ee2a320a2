"""The staff's pages of money, a module a topic."""

from . import autopay, ledger, payments, receipts, refunds, registries  # noqa: F401

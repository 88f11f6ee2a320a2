"""The staff's pages of money, a module a topic."""

from . import ledger  # noqa: F401

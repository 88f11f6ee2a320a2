"""The staff's pages of accounts."""

from . import connections, contracts, journal, places, security, staff

__all__ = ["connections", "contracts", "journal", "places", "security", "staff"]

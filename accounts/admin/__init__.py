"""The staff's pages of accounts."""

from . import contracts, journal, places, security, staff

__all__ = ["contracts", "journal", "places", "security", "staff"]

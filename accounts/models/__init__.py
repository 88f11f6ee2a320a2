"""Who and where: the tables, one module a topic."""

from .connections import ConnectionRequest
from .contracts import Contract, Subscriber
from .journal import JournalEntry
from .limits import Limit, SignInLock
from .places import AddressImport, City, House, Street
from .users import CredentialSheet, Session, User

__all__ = [
    "AddressImport",
    "City",
    "ConnectionRequest",
    "Contract",
    "CredentialSheet",
    "House",
    "JournalEntry",
    "Limit",
    "Session",
    "SignInLock",
    "Street",
    "Subscriber",
    "User",
]

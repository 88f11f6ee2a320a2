"""Provisioners: what switches access and speed on the network. One small protocol, a module for each, by name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from django.conf import settings


@dataclass(frozen=True)
class Order:
    """How a contract's access is to be from now on: the whole state, never a difference.

    `number` grows with each order of a contract. Speeds in Mbit/s; None when off or without internet.
    """

    contract_number: str
    number: int
    is_on: bool
    down: int | None
    up: int | None


class Unreachable(Exception):
    """The equipment does not answer; the message is for staff. It may have happened: the order comes again."""


class Refused(Exception):
    """The equipment answered that it will not do this order; the message is its own words, for staff."""


class Provisioner(Protocol):
    def apply(self, order: Order) -> None:
        """Bring the equipment to that state; over the network, never inside a transaction. Raises Unreachable, Refused.

        Orders of a contract come in the order of their numbers, and one may come again after it was carried out.
        Repeating it must change nothing; one whose number is below the last carried out is late and to be passed over.
        It must return or raise within `ANSWERS_WITHIN` seconds.
        """


ANSWERS_WITHIN = 5


def chosen() -> Provisioner:
    """Raises ImportError for a name that is not a module here."""
    provisioner: Provisioner = import_module(f"tariffs.provisioners.{settings.PROVISIONER}").provisioner
    return provisioner

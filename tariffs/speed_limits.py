"""Who may measure at once, and how much in an hour: counted in the memory of one process."""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

MB = 10**6
HOUR = 3600.0
ADDRESSES_AT_MOST = 10_000  # remembered with what they took; then the oldest hours are forgotten


class Full(Exception):
    """No place now; `after` is in how many seconds there may be one."""

    def __init__(self, after: int, *, of_everybody: bool = False) -> None:
        super().__init__(after)
        self.after, self.of_everybody = after, of_everybody


@dataclass(frozen=True)
class Bounds:
    """Of one transfer, of the transfers of an address and of all. Sizes in bytes, times in seconds."""

    bytes_most: int = 100 * MB
    seconds_most: float = 30.0
    patience: float = 5.0  # for a client to take or to send something
    each_address: int = 12  # two people measuring behind one address
    everybody: int = 96
    bytes_an_hour: int = 40_000 * MB  # an address; a test at 1 Gbit/s takes some 2,500 MB

    @classmethod
    def from_settings(cls) -> Bounds:
        return cls(
            bytes_most=settings.SPEED_TEST_MB_MOST * MB,
            seconds_most=settings.SPEED_TEST_SECONDS_MOST,
            each_address=settings.SPEED_TEST_PARALLEL,
            everybody=settings.SPEED_TEST_PARALLEL_ALL,
            bytes_an_hour=settings.SPEED_TEST_GB_AN_HOUR * 1_000 * MB,
        )


@dataclass
class Transfer:
    moved: int = 0  # bytes


class Places:
    """A place for each transfer under way; its size counts towards the hour of its address."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._taken: Counter[str] = Counter()
        self._hours: dict[str, tuple[float, int]] = {}  # address → when its hour ends, bytes taken in it

    @property
    def taken(self) -> int:
        return self._taken.total()

    @contextmanager
    def place(self, address: str, size: int) -> Iterator[Transfer]:
        """Raises Full. What was asked for and did not move is given back to the hour."""
        if self.taken >= self.bounds.everybody:
            raise Full(10, of_everybody=True)
        household = household_of(address)
        if self._taken[household] >= self.bounds.each_address:
            raise Full(5)
        self._spend(household, size)
        self._taken[household] += 1
        transfer = Transfer()
        try:
            yield transfer
        finally:
            self._taken[household] -= 1
            if not self._taken[household]:
                del self._taken[household]
            self._give_back(household, size - transfer.moved)

    def _spend(self, household: str, size: int) -> None:
        now = time.monotonic()
        ends, spent = self._hours.pop(household, (0.0, 0))
        if ends <= now:
            ends, spent = now + HOUR, 0
        is_over = spent + size > self.bounds.bytes_an_hour
        self._hours[household] = ends, spent if is_over else spent + size
        if len(self._hours) > ADDRESSES_AT_MOST:
            del self._hours[next(iter(self._hours))]
        if is_over:
            raise Full(int(ends - now) + 1)

    def _give_back(self, household: str, size: int) -> None:
        ends, spent = self._hours.get(household, (0.0, 0))
        if spent:
            self._hours[household] = ends, max(spent - size, 0)


def household_of(address: str) -> str:
    """What one household is given: an address of IPv4, 64 bits of IPv6."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.ipv4_mapped:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)

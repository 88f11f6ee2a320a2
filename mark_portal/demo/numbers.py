"""Numbers that look accidental and come out the same at every fill."""

from random import Random
from uuid import UUID


def uuid(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)

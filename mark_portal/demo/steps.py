"""Deeds of staff that the audit journal keeps: collected from every topic, done in the order of time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Step:
    at: datetime
    do: Callable[[], object]


def run(steps: Iterable[Step]) -> int:
    """Returns how many were done."""
    ordered = sorted(steps, key=lambda step: step.at)
    for step in ordered:
        step.do()
    return len(ordered)

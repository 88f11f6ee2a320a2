"""Running the same thing many times at the same moment, on real connections."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections


def at_once(count: int, action: Callable[[int], Any]) -> list[Any]:
    """Results, or the exceptions raised, of `action(0)` … `action(count - 1)`, started together."""
    start = Barrier(count)

    def run(number: int) -> Any:
        start.wait()
        try:
            return action(number)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))

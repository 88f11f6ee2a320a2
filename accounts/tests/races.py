"""Several people at once: threads with their own connections, real commits."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection


def at_once(count, act):
    """Call `act(number)` in `count` threads at the same moment; the results, an exception standing for itself."""
    start = Barrier(count, timeout=10)

    def run(number):
        try:
            connection.ensure_connection()
            start.wait()
            return act(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))

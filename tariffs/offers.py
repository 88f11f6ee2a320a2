"""Offers: taking one, what it gives, how it ends."""

from tariffs.savings import by_use as by_use
from tariffs.savings import saved as saved

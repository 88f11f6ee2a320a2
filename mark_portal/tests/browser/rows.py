"""Money for the pages to show."""

from datetime import timedelta
from decimal import Decimal
from itertools import count

from django.utils import timezone

from billing import ledger
from billing.models import EntryKind

_numbers = count()


def post(user, amount, kind=EntryKind.TOP_UP, *, days_ago=0, at=None, title=""):
    return ledger.post(
        user.contract_id,
        kind=kind,
        amount=Decimal(amount),
        key=f"browser:{next(_numbers)}",
        now=at or timezone.now() - timedelta(days=days_ago),
        title=title,
    )


def post_history(user, *, months):
    """A top-up and a monthly fee for each month, ending a day ago; 60 lines are two pages."""
    for month in range(months, 0, -1):
        post(user, 700, days_ago=30 * month)
        post(user, -650, EntryKind.MONTH, days_ago=30 * month - 29, title="Домашний интернет 100 Мбит/с")

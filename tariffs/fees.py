"""What tariffs tell billing about the months of a contract (billing/seller.py): the SQL of the migrations, asked."""

from __future__ import annotations

from datetime import date

from django.db.models import DateField, DecimalField, F, Func, JSONField, Value
from django.db.models.expressions import Combinable


class Catalogue:
    """Tariffs, options and offers in use, at the prices of the day; a planned switch counts from its day on."""

    def months(self, today: date) -> Combinable:
        return Func(F("pk"), Value(today, DateField()), function="tariffs_months", output_field=JSONField())

    def rest(self, today: date) -> Combinable:
        money = DecimalField(max_digits=12, decimal_places=2)
        return Func(F("pk"), Value(today, DateField()), function="tariffs_rest", output_field=money)

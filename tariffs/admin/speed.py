"""Results of speed tests to read: support looks here before it asks the subscriber."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.long_lists import by_period
from accounts.admin.places import CityFilter
from tariffs import speedtest
from tariffs.models import SpeedTest


class CityOfContractFilter(CityFilter):
    city_path = "contract__city"


@admin.register(SpeedTest)
class SpeedTestAdmin(ReadOnlyAdmin):
    city_path = "contract__city"
    list_display = ["at", "contract", "down", "up", "ping", "jitter", "of_the_tariff", "is_boosted", "had_outage"]
    list_filter = [CityOfContractFilter, "is_boosted", "had_outage", by_period("at")]
    list_select_related = ["contract"]
    search_fields = ["contract__number"]
    ordering = ["-at", "-pk"]
    fields = [
        ("contract", "at"),
        ("down", "tariff_down"),
        ("up", "tariff_up"),
        ("ping", "jitter"),
        ("is_boosted", "had_outage"),
    ]

    @admin.display(description=_("of the tariff"))
    def of_the_tariff(self, test: SpeedTest) -> str:
        judged = speedtest.verdict(test)
        return f"{judged.down} %" if judged else "—"

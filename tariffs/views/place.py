"""Whose prices a public page shows."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property

from accounts.access import contract_of
from accounts.models import City
from accounts.views import CITY_COOKIE

A_YEAR = 365 * 24 * 3600


class Place:
    """The city of a page: that of the address, of the contract, of the last visit, or the first one."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.contract = contract_of(request)

    @cached_property
    def nearest(self) -> City | None:
        """None for an address of a city that we do not serve, and where there is no city at all."""
        asked = self.request.GET.get("city")
        if asked is None and self.contract:
            return self.contract.city
        known = {city.slug: city for city in self.cities}
        if asked is not None:
            return known.get(asked)
        return known.get(self.request.COOKIES.get(CITY_COOKIE, "")) or next(iter(self.cities), None)

    @property
    def city(self) -> City:
        if self.nearest is None:
            raise Http404
        return self.nearest

    @cached_property
    def cities(self) -> list[City]:
        return list(City.objects.filter(is_served=True))

    @property
    def is_elsewhere(self) -> bool:
        """A subscriber looks at a city that is not their own."""
        return self.contract is not None and self.contract.city_id != self.city.pk

    def is_own(self, kind: str) -> bool:
        """A subscriber looks at what they may have themselves."""
        return self.is_own_city and self.contract is not None and self.contract.subscriber.kind == kind

    @property
    def is_own_city(self) -> bool:
        return self.contract is not None and not self.is_elsewhere

    @property
    def choices(self) -> list[City]:
        """To choose from; a subscriber sees their own city first and is not asked."""
        return self.cities if self.contract is None or "city" in self.request.GET else []

    def draw(self, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
        """The page, with the city that was asked for remembered as the sign-in page remembers it."""
        shared = {"city": self.city, "cities": self.choices, "today": timezone.localdate()}
        response = render(self.request, template, {**shared, **context}, status=status)
        if self.request.GET.get("city") not in (None, self.request.COOKIES.get(CITY_COOKIE)):
            secure = self.request.is_secure()
            response.set_cookie(CITY_COOKIE, self.city.slug, max_age=A_YEAR, secure=secure, samesite="Lax")
        return response

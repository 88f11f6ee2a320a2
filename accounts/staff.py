"""What a member of staff is given."""

from typing import Any

from django.db import models

from accounts.models import City, User


def sees_every_city(user: Any) -> bool:
    """Whether a member of staff is given all cities there are, as what spans them all wants."""
    return not City.objects.exclude(pk__in=cities_of(user)).exists()


def cities_of(user: Any) -> models.QuerySet[City]:
    """The cities a member of staff sees: all for a superuser, for others those they are given, none by default."""
    if not isinstance(user, User):
        return City.objects.none()
    return City.objects.all() if user.is_superuser else user.cities.all()

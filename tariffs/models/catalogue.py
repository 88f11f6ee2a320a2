"""The catalogue: tariffs, options, offers, turbo packages. What is in use is archived, never deleted."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Subscriber


class Service(models.TextChoices):
    INTERNET = "internet", _("internet")
    TV = "tv", _("television")
    TELEPHONY = "telephony", _("telephony")


class Family(models.TextChoices):
    """Where a tariff stands in the catalogue: by its only service, or among the bundles."""

    INTERNET = "internet", _("internet")
    TV = "tv", _("television")
    TELEPHONY = "telephony", _("telephony")
    BUNDLE = "bundle", _("bundle")


class Described(models.Model):
    """A name and a description in Russian, and in English where somebody has written it."""

    name = models.CharField(pgettext_lazy("of what is sold", "name"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80, blank=True)
    summary = models.TextField(_("description"), blank=True)
    summary_en = models.TextField(_("description in English"), blank=True)
    position = models.PositiveSmallIntegerField(_("place in lists"), default=100)
    is_archived = models.BooleanField(
        _("in the archive"), default=False, help_text=_("Not sold any more; whoever has it keeps it.")
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return (self.name_en if get_language() == "en" else "") or self.name

    @property
    def description(self) -> str:
        return (self.summary_en if get_language() == "en" else "") or self.summary


class TariffQuerySet(models.QuerySet["Tariff"]):
    def priced(self, on: date) -> TariffQuerySet:
        """With `fee`, the price in force on a day; None before its first price."""
        prices = TariffPrice.objects.filter(tariff=OuterRef("pk"), since__lte=on).order_by("-since")
        return self.annotate(fee=Subquery(prices.values("fee")[:1]))

    def on_sale(self, city: City | int, audience: str) -> TariffQuerySet:
        return self.filter(city=city, audience=audience, is_archived=False)


class Tariff(Described):
    city = models.ForeignKey(City, models.PROTECT, related_name="tariffs", verbose_name=_("city"))
    audience = models.CharField(_("for whom"), max_length=6, choices=Subscriber.Kind.choices)
    services = ArrayField(models.CharField(max_length=9, choices=Service.choices), verbose_name=_("services"))
    family = models.GeneratedField(
        expression=Case(When(services__len=1, then=F("services__0")), default=Value(Family.BUNDLE.value)),
        output_field=models.CharField(max_length=9),
        db_persist=True,
        verbose_name=_("service"),
        choices=Family.choices,
    )
    speed_down = models.PositiveIntegerField(_("speed to the subscriber, Mbit/s"), null=True, blank=True)
    speed_up = models.PositiveIntegerField(_("speed from the subscriber, Mbit/s"), null=True, blank=True)
    volume_gb = models.PositiveIntegerField(
        _("included volume, GB a month"), null=True, blank=True, help_text=_("Empty: without limit.")
    )
    floor_speed = models.PositiveIntegerField(_("speed past the volume, Mbit/s"), null=True, blank=True)
    channels = models.PositiveIntegerField(_("TV channels"), null=True, blank=True)
    minutes = models.PositiveIntegerField(_("minutes of talk"), null=True, blank=True)
    switch_fee = models.DecimalField(
        _("fee for switching to it at once, ₽"),
        max_digits=8,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
    )

    objects = TariffQuerySet.as_manager()

    class Meta:
        verbose_name = _("tariff")
        verbose_name_plural = _("tariffs")
        ordering = ["city_id", "audience", "family", "position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["city", "audience", "name"], name="one_tariff_of_a_name"),
            models.CheckConstraint(condition=Q(switch_fee__gte=0), name="a_switch_fee_is_not_negative"),
            models.CheckConstraint(
                condition=Q(volume_gb=None) | Q(floor_speed__isnull=False), name="a_volume_has_its_floor_speed"
            ),
            models.CheckConstraint(
                condition=Q(services__contained_by=Service.values, services__len__gte=1), name="a_tariff_has_services"
            ),
            models.CheckConstraint(
                condition=Q(services__contains=["internet"], speed_down__isnull=False, speed_up__isnull=False)
                | Q(~Q(services__contains=["internet"]), speed_down=None, speed_up=None),
                name="internet_and_only_internet_has_a_speed",
            ),
        ]

    @property
    def has_internet(self) -> bool:
        return Service.INTERNET in self.services

    @property
    def services_in_words(self) -> str:
        return ", ".join(str(Service(service).label) for service in self.services)


class TariffPrice(models.Model):
    """A monthly fee from a day on; the day is the 1st of a month, so no month has two prices."""

    tariff = models.ForeignKey(Tariff, models.PROTECT, related_name="prices", verbose_name=_("tariff"))
    fee = models.DecimalField(_("monthly fee, ₽"), max_digits=8, decimal_places=2, validators=[MinValueValidator(0)])
    since = models.DateField(pgettext_lazy("of a day", "from"))
    announced_at = models.DateTimeField(_("subscribers told"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("price of a tariff")
        verbose_name_plural = _("prices of tariffs")
        ordering = ["tariff", "-since"]
        constraints = [
            models.UniqueConstraint(fields=["tariff", "since"], name="one_price_of_a_tariff_from_a_day"),
            models.CheckConstraint(condition=Q(since__day=1), name="a_tariffs_price_begins_with_a_month"),
            models.CheckConstraint(condition=Q(fee__gte=0), name="a_tariffs_fee_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.fee} {self.since}"


class OptionQuerySet(models.QuerySet["Option"]):
    def priced(self, on: date) -> OptionQuerySet:
        """With `fee`, the price of one on a day; None before its first price."""
        prices = OptionPrice.objects.filter(option=OuterRef("pk"), since__lte=on).order_by("-since")
        return self.annotate(fee=Subquery(prices.values("fee")[:1]))

    def on_sale(self, city: City | int, audience: str) -> OptionQuerySet:
        return self.filter(Q(city=city) | Q(city=None), Q(audience=audience) | Q(audience=""), is_archived=False)


class Option(Described):
    city = models.ForeignKey(
        City,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="options",
        verbose_name=_("city"),
        help_text=_("Empty: both cities."),
    )
    audience = models.CharField(_("for whom"), max_length=6, choices=Subscriber.Kind.choices, blank=True)
    needs = models.CharField(
        _("needs the service"),
        max_length=9,
        choices=Service.choices,
        blank=True,
        help_text=_("A tariff that has this service, alone or in a bundle."),
    )
    activation_fee = models.DecimalField(
        _("activation fee, ₽"), max_digits=8, decimal_places=2, default=0, validators=[MinValueValidator(0)]
    )
    max_quantity = models.PositiveSmallIntegerField(_("at most"), default=1, validators=[MinValueValidator(1)])
    choice_label = models.CharField(
        _("what is chosen"), max_length=80, blank=True, help_text=_("For example: the package of channels.")
    )
    choices = ArrayField(models.CharField(max_length=80), verbose_name=_("to choose from"), default=list, blank=True)

    objects = OptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("option")
        verbose_name_plural = _("options")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(activation_fee__gte=0), name="an_activation_fee_is_not_negative"),
            models.CheckConstraint(condition=Q(max_quantity__gte=1), name="an_option_is_at_least_one"),
            models.CheckConstraint(condition=Q(needs__in=["", *Service.values]), name="an_option_needs_a_service"),
        ]


class OptionPrice(models.Model):
    """A monthly fee for one from a day on, the 1st of a month."""

    option = models.ForeignKey(Option, models.PROTECT, related_name="prices", verbose_name=_("option"))
    fee = models.DecimalField(_("monthly fee, ₽"), max_digits=8, decimal_places=2, validators=[MinValueValidator(0)])
    since = models.DateField(pgettext_lazy("of a day", "from"))
    announced_at = models.DateTimeField(_("subscribers told"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("price of an option")
        verbose_name_plural = _("prices of options")
        ordering = ["option", "-since"]
        constraints = [
            models.UniqueConstraint(fields=["option", "since"], name="one_price_of_an_option_from_a_day"),
            models.CheckConstraint(condition=Q(since__day=1), name="an_options_price_begins_with_a_month"),
            models.CheckConstraint(condition=Q(fee__gte=0), name="an_options_fee_is_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.fee} {self.since}"


class OfferQuerySet(models.QuerySet["Offer"]):
    def open_on(self, day: date) -> OfferQuerySet:
        return self.filter(Q(ends_on=None) | Q(ends_on__gte=day), starts_on__lte=day, is_archived=False)


class Offer(Described):
    """Who may take it, when, and what it gives: a percentage off for some months, a sum once, or turbo presses."""

    city = models.ForeignKey(
        City,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="offers",
        verbose_name=_("city"),
        help_text=_("Empty: both cities."),
    )
    audience = models.CharField(_("for whom"), max_length=6, choices=Subscriber.Kind.choices, blank=True)
    tenure_from = models.PositiveSmallIntegerField(_("tenure from, months"), null=True, blank=True)
    tenure_to = models.PositiveSmallIntegerField(_("tenure up to, months"), null=True, blank=True)
    tariffs = models.ManyToManyField(
        Tariff, blank=True, related_name="offers", verbose_name=_("tariffs"), help_text=_("Empty: every tariff.")
    )
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), null=True, blank=True)
    percent = models.PositiveSmallIntegerField(_("percent off"), null=True, blank=True)
    months = models.PositiveSmallIntegerField(_("for months"), null=True, blank=True)
    option = models.ForeignKey(
        Option,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="offers",
        verbose_name=_("off this option"),
        help_text=_("Empty: off the tariff."),
    )
    credit = models.DecimalField(_("credited once, ₽"), max_digits=8, decimal_places=2, null=True, blank=True)
    presses = models.PositiveSmallIntegerField(_("free turbo presses"), null=True, blank=True)
    per_contract = models.PositiveSmallIntegerField(
        _("times per contract"), default=1, validators=[MinValueValidator(1)]
    )

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__range=(1, 100), months__gte=1, credit=None, presses=None)
                | Q(percent=None, months=None, credit__gt=0, presses=None)
                | Q(percent=None, months=None, credit=None, presses__gte=1),
                name="an_offer_has_one_effect",
            ),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="an_offer_ends_after_its_start"
            ),
        ]


class TurboPackage(models.Model):
    """An hour, three, or a day of more speed, for tariffs of one service."""

    family = models.CharField(_("service"), max_length=9, choices=Family.choices, default=Family.INTERNET)
    hours = models.PositiveSmallIntegerField(_("hours"), validators=[MinValueValidator(1)])
    price = models.DecimalField(_("price, ₽"), max_digits=8, decimal_places=2, validators=[MinValueValidator(0)])
    factor = models.DecimalField(
        _("times faster"), max_digits=4, decimal_places=1, default=2, validators=[MinValueValidator(1)]
    )
    is_archived = models.BooleanField(_("in the archive"), default=False)

    class Meta:
        verbose_name = _("turbo package")
        verbose_name_plural = _("turbo packages")
        ordering = ["family", "hours", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(hours__gte=1, price__gte=0, factor__gte=1), name="a_turbo_package_gives"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hours} h × {self.factor}"

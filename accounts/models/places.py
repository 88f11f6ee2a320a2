"""Cities, streets and houses, and the import that fills them."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _


class City(models.Model):
    slug = models.SlugField(_("address name"), unique=True, help_text=_("Latin, as it stands in the address line."))
    name = models.CharField(pgettext_lazy("of a place", "name"), max_length=60, unique=True)
    name_en = models.CharField(_("name in English"), max_length=60)
    is_served = models.BooleanField(_("offered to visitors"), default=True)

    class Meta:
        verbose_name = _("city")
        verbose_name_plural = _("cities")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name_en if get_language() == "en" else self.name


class Street(models.Model):
    city = models.ForeignKey(City, models.PROTECT, related_name="streets", verbose_name=_("city"))
    name = models.CharField(
        pgettext_lazy("of a place", "name"), max_length=120, help_text=_("With its kind: «Пушкинская улица».")
    )

    class Meta:
        verbose_name = _("street")
        verbose_name_plural = _("streets")
        constraints = [models.UniqueConstraint(fields=["city", "name"], name="street_once_per_city")]
        indexes = [GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="street_name_trigrams")]

    def __str__(self) -> str:
        return self.name


class House(models.Model):
    street = models.ForeignKey(Street, models.PROTECT, related_name="houses", verbose_name=_("street"))
    number = models.CharField(_("house number"), max_length=20, help_text=_("With letter or block: «12А», «12 к2»."))

    class Meta:
        verbose_name = _("house")
        verbose_name_plural = _("houses")
        constraints = [models.UniqueConstraint(fields=["street", "number"], name="house_once_per_street")]

    def __str__(self) -> str:
        return f"{self.street.name}, {self.number}"


class AddressImport(models.Model):
    """A CSV of streets and houses on its way into the directory: checked whole, then written whole or not at all."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CHECKING = "checking", _("checking")
        WRITING = "writing", _("writing")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused: the file has errors")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    file_name = models.CharField(_("file"), max_length=200)
    # Here and not in a file: pages and worker may run on different machines. Emptied when the import is over.
    content = models.TextField(editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING, editable=False)
    lines_total = models.PositiveIntegerField(_("lines"), default=0, editable=False)
    lines_done = models.PositiveIntegerField(_("lines checked"), default=0, editable=False)
    streets_added = models.PositiveIntegerField(_("streets added"), default=0, editable=False)
    houses_added = models.PositiveIntegerField(_("houses added"), default=0, editable=False)
    repeats = models.PositiveIntegerField(_("lines that repeat a house"), default=0, editable=False)
    # [[line number, message id, value], …]: kept untranslated, shown in the reader's language; the first of them only.
    errors = models.JSONField(_("errors"), default=list, editable=False)
    errors_total = models.PositiveIntegerField(_("lines with errors"), default=0, editable=False)
    author = models.ForeignKey("accounts.User", models.PROTECT, editable=False, verbose_name=_("author"))
    created_at = models.DateTimeField(_("uploaded"))
    # Which run the row belongs to: a run that was given up for dead and is not must not write into the next one.
    run = models.PositiveIntegerField(_("run"), default=0, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)

    class Meta:
        verbose_name = _("address import")
        verbose_name_plural = _("address imports")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["done", "refused"], finished_at__isnull=False, content="")
                | (~Q(state__in=["done", "refused"]) & Q(finished_at=None)),
                name="a_finished_import_keeps_its_time_and_not_its_file",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_finished(self) -> bool:
        return self.state in (self.State.DONE, self.State.REFUSED)

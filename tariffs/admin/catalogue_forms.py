"""Forms of the catalogue's staff pages: what the tables refuse is said here in words."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import Max
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.templatetags.dates import day as written
from tariffs.models import Family, OfferUse, Service, Tariff, TurboPackage

LONGEST_CHOICE = 80


class ServicesField(forms.TypedMultipleChoiceField):
    """Ticks; whatever their order in the request, the list has that of the services."""

    widget = forms.CheckboxSelectMultiple

    def clean(self, value: Any) -> list[str]:
        chosen = super().clean(value)
        return [service for service in Service.values if service in chosen]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return set(initial or []) != set(data or [])


class TariffForm(forms.ModelForm):
    services = ServicesField(
        label=capfirst(_("services")),
        choices=Service.choices,
        help_text=_("Several make it a bundle. An option needs one of them, or none."),
    )

    class Meta:
        error_messages = {
            NON_FIELD_ERRORS: {"unique_together": _("This city has a tariff of this name for them already.")}
        }

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        services = data.get("services", self.instance.services)  # not in the form of a tariff that is in use
        if services:
            self._check_speeds(data, has_internet=Service.INTERNET in services)
        self._check_volume(data)
        return data

    def _check_speeds(self, data: dict[str, Any], *, has_internet: bool) -> None:
        for name in ("speed_down", "speed_up"):
            if has_internet and not data.get(name):
                self.add_error(name, _("How fast is the internet of this tariff?"))
            if not has_internet and data.get(name) is not None:
                self.add_error(name, _("Only internet has a speed: tick it among the services, or leave this empty."))

    def _check_volume(self, data: dict[str, Any]) -> None:
        volume, floor, down = data.get("volume_gb"), data.get("floor_speed"), data.get("speed_down")
        if volume is not None and floor is None:
            self.add_error("floor_speed", _("An included volume needs the speed past it."))
        if volume is None and floor is not None:
            self.add_error("volume_gb", _("The speed past the volume needs the volume."))
        if floor and down and floor >= down:
            self.add_error("floor_speed", _("The speed past the volume is less than the usual one."))
        if volume is not None and not down:
            self.add_error("volume_gb", _("Only internet has a volume."))


class LinesField(forms.CharField):
    """A list, written one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = self._lines(super().clean(value))
        if any(len(line) > LONGEST_CHOICE for line in lines):
            raise forms.ValidationError(_("At most %(most)d signs a line.") % {"most": LONGEST_CHOICE})
        if len(set(lines)) < len(lines):
            raise forms.ValidationError(_("The same line stands twice."))
        return lines

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self._lines(data or "")

    def _lines(self, text: str) -> list[str]:
        return [line.strip() for line in text.splitlines() if line.strip()]


class OptionForm(forms.ModelForm):
    choices = LinesField(
        label=_("To choose from"), required=False, help_text=_("One a line; empty: nothing to choose.")
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("choices") and not data.get("choice_label"):
            self.add_error("choice_label", _("Say what is chosen, for example: the package of channels."))
        if data.get("choice_label") and not data.get("choices") and "choices" not in self.errors:
            self.add_error("choices", _("Say what there is to choose from."))
        return data


class TariffsOfCitiesField(forms.ModelMultipleChoiceField):
    """Both cities have an «Интернет 100»."""

    def label_from_instance(self, obj: Tariff) -> str:  # type: ignore[override]
        archived = f" ({_('in the archive')})" if obj.is_archived else ""
        return f"{obj.city} · {obj.get_audience_display()} · {obj}{archived}"


class OfferForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        self._check_effect(data)
        self._check_days(data)
        self._check_tariffs(data)
        self._check_promises(data)
        return data

    def _check_effect(self, data: dict[str, Any]) -> None:
        """Exactly one of the three, whole; each complaint at the field it is about."""
        percent, months = data.get("percent"), data.get("months")
        given = [name for name in ("percent", "credit", "presses") if data.get(name) is not None]
        if not given and not {"percent", "credit", "presses"} & set(self.errors):
            self.add_error("percent", _("Say what it gives: a percentage, a sum or turbo presses."))
        for name in given[1:]:
            self.add_error(name, _("An offer gives one thing: leave a percentage, a sum or turbo presses."))
        if percent is not None and not 1 <= percent <= 100:
            self.add_error("percent", _("From 1 to 100."))
        if percent is not None and not months:
            self.add_error("months", _("For how many months?"))
        if percent is None and months is not None:
            self.add_error("months", _("Months go with a percentage."))
        if percent is None and data.get("option"):
            self.add_error("option", _("Only a percentage is taken off an option."))
        for name in ("credit", "presses"):
            if data.get(name) is not None and data[name] <= 0:
                self.add_error(name, _("More than zero."))

    def _check_days(self, data: dict[str, Any]) -> None:
        starts, ends = data.get("starts_on"), data.get("ends_on")
        if starts and ends and ends < starts:
            self.add_error("ends_on", _("The end is before the beginning."))
        least, most = data.get("tenure_from"), data.get("tenure_to")
        if least is not None and most is not None and most < least:
            self.add_error("tenure_to", _("The end is before the beginning."))

    def _check_tariffs(self, data: dict[str, Any]) -> None:
        city, audience, option = data.get("city"), data.get("audience"), data.get("option")
        for tariff in data.get("tariffs") or ():
            if (city and tariff.city_id != city.pk) or (audience and tariff.audience != audience):
                self.add_error("tariffs", _("«%(tariff)s» is of another city or for others.") % {"tariff": tariff})
        if option and city and option.city_id not in (None, city.pk):
            self.add_error("option", _("This option is of another city."))

    def _check_promises(self, data: dict[str, Any]) -> None:
        """Each taking keeps its percentage and its months; on which tariffs it counts, only the offer knows."""
        if not self.instance.pk or "tariffs" not in data:
            return
        before, after = set(self.instance.tariffs.all()), set(data["tariffs"])
        is_narrower = bool(after) and (not before or bool(before - after))
        taken = OfferUse.objects.filter(offer=self.instance, percent__isnull=False)
        last = taken.aggregate(last=Max("until"))["last"]
        if is_narrower and last and last > timezone.localdate():
            text = _("Contracts have it on these tariffs until %(date)s: archive it and make a new offer instead.")
            self.add_error("tariffs", text % {"date": written(last)})


class TurboPackageForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        family, hours = data.get("family"), data.get("hours")
        if family and family not in (Family.INTERNET, Family.BUNDLE):
            self.add_error("family", _("Only internet can be made faster."))
        alike = TurboPackage.objects.filter(family=family or "", hours=hours or 0, is_archived=False)
        if not data.get("is_archived") and alike.exclude(pk=self.instance.pk).exists():
            self.add_error("hours", _("There is such a package already."))
        return data

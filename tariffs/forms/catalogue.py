"""What a visitor asks of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Subscriber
from tariffs.models import Family

LEAST, MOST = 2, 4  # tariffs side by side
KINDS = [
    (Subscriber.Kind.PERSON.value, _("for the home")),
    (Subscriber.Kind.LEGAL_ENTITY.value, _("for organisations")),
]
GONE = _("A tariff you chose is not sold here any more. Choose again.")
UNKNOWN = _("There is no such choice. Here is everything.")


class CatalogueForm(forms.Form):
    """`kind` and `family` narrow the list, `compare` puts two to four tariffs of the city side by side."""

    kind = forms.ChoiceField(choices=KINDS, required=False, error_messages={"invalid_choice": UNKNOWN})
    family = forms.ChoiceField(choices=Family.choices, required=False, error_messages={"invalid_choice": UNKNOWN})

    @property
    def asked_kind(self) -> str:
        return str(self.cleaned_data.get("kind") or "")

    @property
    def asked_family(self) -> str:
        return str(self.cleaned_data.get("family") or "")


class CompareForm(forms.Form):
    compare = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        error_messages={"invalid_choice": GONE, "invalid_list": GONE},
    )

    def __init__(self, *args: Any, tariffs: Iterable[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tariffs = list(tariffs)
        field = self.fields["compare"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(tariff.pk, tariff.name) for tariff in self.tariffs]

    def clean_compare(self) -> list[int]:
        chosen: list[int] = self.cleaned_data["compare"]
        if chosen and not LEAST <= len(set(chosen)) <= MOST:
            raise forms.ValidationError(_("Choose two to four tariffs to compare."))
        return chosen

    @property
    def chosen(self) -> list[Any]:
        ids = self.cleaned_data.get("compare") or []
        return [tariff for tariff in self.tariffs if tariff.pk in ids]

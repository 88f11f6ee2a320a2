"""Forms over notices."""

from __future__ import annotations

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from notifications.models import Topic


def _topics() -> list[tuple[str, str]]:
    return [("", str(_("All"))), *((topic.value, str(capfirst(topic.label))) for topic in Topic)]


class InboxForm(forms.Form):
    is_filter = True  # so its fields do not say that they are optional

    topic = forms.ChoiceField(label=_("About"), required=False, choices=_topics)
    after = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1, required=False)

    @property
    def chosen(self) -> Topic | None:
        topic = self.cleaned_data.get("topic")
        return Topic(topic) if topic else None

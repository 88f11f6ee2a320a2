"""What one member of staff proposes and, above a limit, another one signs. Only verbs write such rows."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from accounts.admin.base import StaffModelAdmin, author_of


class TwoSignaturesAdmin(StaffModelAdmin):
    """The form proposes, carrying the number it was drawn with (`drawn`); `decide` puts the second signature."""

    # The topic's module with `approve` and `reject`, and what they raise.
    verbs: Any
    refused: type[Exception]
    # What the author is told when it is done at once, and when it waits.
    is_done: ClassVar[Any]
    it_waits: ClassVar[Any]

    def propose(self, row: Any, **particulars: Any) -> Any:
        """Call the topic's verb for a new row of the form; `particulars` are `operation`, `author` and `now`."""
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The verb has journaled it."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        drawn = form.cleaned_data["drawn"]
        proposed = self.propose(obj, operation=drawn, author=author_of(request), now=timezone.now())
        obj.pk, obj.state = proposed.pk, proposed.state

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        if obj.state == obj.State.WAITING:
            messages.warning(request, str(self.it_waits))
        else:
            messages.success(request, str(self.is_done))
        return self.to_page_of(obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        context = self.decisions(row, request.user) if row else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def decisions(self, row: Any, user: Any) -> dict[str, bool]:
        """What the person before the page may do about it."""
        waits = row.state == row.State.WAITING
        return {"may_decide": waits and self.may_sign(user), "is_own": row.author_id == user.pk}

    def may_sign(self, user: Any) -> bool:
        return bool(user.has_perm(f"{self.opts.app_label}.approve_{self.opts.model_name}"))

    def get_urls(self) -> list[Any]:
        name = self.opts.model_name
        view = self.admin_site.admin_view(require_POST(self.decide_view))
        decide = path(f"<int:{name}_id>/decide/", view, name=f"{self.opts.app_label}_{name}_decide")
        return [decide, *super().get_urls()]

    def decide_view(self, request: HttpRequest, **number: int) -> HttpResponse:
        """POST `decision=approve|reject`: the second signature."""
        (row_id,) = number.values()
        row = self.to_sign(request, row_id)
        decide = self.verbs.approve if request.POST.get("decision") == "approve" else self.verbs.reject
        try:
            decide(row.pk, by=author_of(request), now=timezone.now())
        except self.refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _t("Done: your signature is recorded."))
        return self.to_page_of(row)

    def to_sign(self, request: HttpRequest, row_id: int) -> Any:
        if not self.may_sign(request.user):
            raise PermissionDenied
        return get_object_or_404(self.get_queryset(request), pk=row_id)

    def to_page_of(self, row: Any) -> HttpResponse:
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        )

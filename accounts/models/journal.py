"""The audit journal: what staff changed, when and why."""

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext_lazy as _

from .places import City
from .users import User

# The verbs that staff use, as a reader of the journal calls them.
ACTIONS = {
    "added": _("added"),
    "changed": _("changed"),
    "deleted": _("deleted"),
    "identity_confirmed": _("identity confirmed"),
    "identity_not_confirmed": _("identity not confirmed"),
    "password_reissued": _("password reissued"),
    "password_shown": _("password shown"),
    "contract_terminated": _("contract terminated"),
    "suspended_for_debt": _("suspended for debt"),
    "suspended_by_wish": _("suspended by wish"),
    "returned_to_service": _("returned to service"),
    "sign_in_unlocked": _("sign-in unlocked"),
    "staff_password_set": _("staff password set"),
    "second_factor_added": _("second factor added"),
    "second_factor_removed": _("second factor removed"),
    "request_taken": _("request taken"),
    "request_put_back": _("request put back"),
    "request_closed": _("request closed"),
    "import_run_again": _("import run again"),
    "addresses_imported": _("addresses imported"),
    "adjustment_proposed": _("adjustment proposed"),
    "switch_planned": _("switch of tariff planned"),
    "switch_done": _("tariff switched"),
    "switch_cancelled": _("switch of tariff cancelled"),
    "tariff_given": _("first tariff given"),
    "adjustment_posted": _("adjustment posted"),
    "adjustment_approved": _("adjustment approved"),
    "adjustment_rejected": _("adjustment rejected"),
    "register_uploaded": _("terminal register uploaded"),
    "register_corrected": _("line of a register corrected"),
    "autopay_switched_off": _("autopay switched off"),
    "refund_proposed": _("refund proposed"),
    "refund_ordered": _("refund ordered"),
    "refund_approved": _("refund approved"),
    "refund_rejected": _("refund rejected"),
    "refund_succeeded": _("refund given back"),
    "refund_failed": _("refund refused by the gateway"),
    "receipt_retried": _("receipt sent again"),
    "traffic_imported": _("traffic imported"),
    "access_change_retried": _("change of access sent again"),
    "payment_reread": _("gateway asked about a payment"),
    "refund_settled": _("refund looked up at the gateway"),
    "price_planned": _("price set"),
    "price_corrected": _("price corrected before its day"),
    "price_withdrawn": _("price removed before its day"),
    "pause_planned": _("pause planned"),
    "pause_cancelled": _("pause cancelled"),
    "pause_ended_early": _("pause ended early"),
    "option_switched_on": _("option switched on"),
    "option_switched_off": _("option switched off"),
    "option_changed": _("option changed"),
    "option_kept": _("option not switched off after all"),
    "month_ranges_sent_again": _("ranges of the month run sent again"),
    "offer_taken": _("offer taken"),
}


class JournalEntry(models.Model):
    """Append-only; a trigger refuses UPDATE and DELETE. Carries no secret: sealed fields show as «changed»."""

    at = models.DateTimeField(_("time"), db_index=True)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("who"))
    action = models.CharField(_("action"), max_length=60)
    target_type = models.ForeignKey(ContentType, models.PROTECT, related_name="+", verbose_name=_("kind of record"))
    target_id = models.CharField(max_length=40)
    target_label = models.CharField(_("record"), max_length=200)
    city = models.ForeignKey(City, models.PROTECT, null=True, related_name="+", verbose_name=_("city"))
    # {"field": [old, new]} or, for an action, its particulars.
    changes = models.JSONField(_("changes"), default=dict)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    network_address = models.GenericIPAddressField(_("from"), null=True)

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("audit journal")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["target_type", "target_id"], name="journal_of_a_record")]

    def __str__(self) -> str:
        return f"{self.action_text}: {self.target_label}"

    @property
    def action_text(self) -> str:
        return str(ACTIONS.get(self.action, self.action))

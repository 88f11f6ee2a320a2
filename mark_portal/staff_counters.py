"""What waits for the staff, on the first page of the admin: each role sees what it can act on, in its cities."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.local_time import midnight
from accounts.models import ConnectionRequest, SignInLock, User
from accounts.staff import cities_of
from billing.models import Adjustment, GatewayMessage, Payment, Receipt, Refund
from tariffs import provisioning


@dataclass(frozen=True)
class Counter:
    label: str
    count: int
    url: str
    tone: str  # calm, attention or alarm


def of(user: Any, *, now: datetime) -> list[Counter]:
    if not isinstance(user, User):
        return []
    return [counter for permission, count in COUNTERS if user.has_perm(permission) for counter in count(user, now)]


def _requests(user: User, now: datetime) -> Iterator[Counter]:
    mine = ConnectionRequest.objects.open().filter(Q(city=None) | Q(city__in=cities_of(user)))
    waiting, overdue = mine.count(), mine.filter(deadline_at__lt=now).count()
    url = reverse("admin:accounts_connectionrequest_changelist")
    yield Counter(_("Open connection requests"), waiting, url, "attention" if waiting else "calm")
    yield Counter(_("Overdue connection requests"), overdue, f"{url}?queue=overdue", "alarm" if overdue else "calm")


def _adjustments(user: User, now: datetime) -> Iterator[Counter]:
    waiting = Adjustment.objects.filter(
        state=Adjustment.State.WAITING, account__contract__city__in=cities_of(user)
    ).count()
    url = f"{reverse('admin:billing_adjustment_changelist')}?state__exact={Adjustment.State.WAITING}"
    yield Counter(_("Adjustments waiting for a signature"), waiting, url, "attention" if waiting else "calm")


def _refunds(user: User, now: datetime) -> Iterator[Counter]:
    waiting = Refund.objects.filter(
        state=Refund.State.WAITING, payment__account__contract__city__in=cities_of(user)
    ).count()
    url = f"{reverse('admin:billing_refund_changelist')}?state__exact={Refund.State.WAITING}"
    yield Counter(_("Refunds waiting for a signature"), waiting, url, "attention" if waiting else "calm")
    unanswered = Refund.objects.unanswered().filter(payment__account__contract__city__in=cities_of(user)).count()
    if unanswered:
        url = f"{reverse('admin:billing_refund_changelist')}?state__exact={Refund.State.SENDING}"
        yield Counter(_("Refunds without the gateway's answer"), unanswered, url, "alarm")


def _payments(user: User, now: datetime) -> Iterator[Counter]:
    hanging = Payment.objects.hanging(now=now).filter(account__contract__city__in=cities_of(user)).count()
    url = f"{reverse('admin:billing_payment_changelist')}?state=hanging"
    yield Counter(_("Payments hanging"), hanging, url, "attention" if hanging else "calm")


def _receipts(user: User, now: datetime) -> Iterator[Counter]:
    failed = Receipt.objects.filter(
        state=Receipt.State.FAILED, payment__account__contract__city__in=cities_of(user)
    ).count()
    url = f"{reverse('admin:billing_receipt_changelist')}?state__exact={Receipt.State.FAILED}"
    yield Counter(_("Receipts failed"), failed, url, "alarm" if failed else "calm")


def _forged(user: User, now: datetime) -> Iterator[Counter]:
    """Since midnight. Those about a payment of another city are not this person's to see."""
    today = timezone.localdate(now)
    refused = GatewayMessage.objects.filter(
        Q(payment=None) | Q(payment__account__contract__city__in=cities_of(user)),
        verdict=GatewayMessage.Verdict.REFUSED,
        at__gte=midnight(today),
    ).count()
    url = f"{reverse('admin:billing_gatewaymessage_changelist')}?verdict__exact={GatewayMessage.Verdict.REFUSED}"
    yield Counter(_("Refused gateway messages today"), refused, url, "attention" if refused else "calm")


def _access(user: User, now: datetime) -> Iterator[Counter]:
    stuck = provisioning.stuck(now=now).filter(contract__city__in=cities_of(user)).count()
    url = f"{reverse('admin:tariffs_accesschange_changelist')}?state=stuck"
    yield Counter(_("Changes of access stuck"), stuck, url, "alarm" if stuck else "calm")


def _locks(user: User, now: datetime) -> Iterator[Counter]:
    locked = SignInLock.objects.in_force(now=now).count()
    yield Counter(
        _("Locked sign-ins"), locked, reverse("admin:accounts_signinlock_changelist"), "attention" if locked else "calm"
    )


COUNTERS: list[tuple[str, Callable[[User, datetime], Iterator[Counter]]]] = [
    ("accounts.view_connectionrequest", _requests),
    ("billing.view_adjustment", _adjustments),
    ("billing.view_refund", _refunds),
    ("billing.view_payment", _payments),
    ("billing.view_receipt", _receipts),
    ("billing.view_gatewaymessage", _forged),
    ("tariffs.change_accesschange", _access),
    ("accounts.view_signinlock", _locks),
]

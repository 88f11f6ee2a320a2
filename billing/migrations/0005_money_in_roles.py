from django.db import migrations

from accounts import roles

READ = ("view_payment", "view_refund", "view_receipt", "view_promisedpayment", "view_autopay")
MONEY = (
    *READ,
    "add_refund",
    "approve_refund",
    "change_account",
    "view_gatewaymessage",
    "view_registry",
    "add_registry",
    "change_registry",
)

GRANTS = {
    roles.OPERATOR: READ,
    roles.SUPPORT_AGENT: READ,
    roles.ACCOUNTANT: MONEY,
    roles.SUPERVISOR: MONEY,
}


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_money_in")]
    operations = [migrations.RunPython(roles.granting("billing", GRANTS), migrations.RunPython.noop)]

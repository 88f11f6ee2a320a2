from django.db import migrations

from accounts import roles

PLAN = ("add_switch", "change_switch")
GRANTS = {
    roles.OPERATOR: (*PLAN, "add_subscription"),
    roles.SUPPORT_AGENT: PLAN,
    roles.SUPERVISOR: (*PLAN, "add_subscription"),
}


class Migration(migrations.Migration):
    """Whoever answers a subscriber's call plans a switch for them; whoever opens a contract gives its first tariff."""

    dependencies = [("tariffs", "0006_pauses_by_staff")]
    operations = [migrations.RunPython(roles.granting("tariffs", GRANTS), migrations.RunPython.noop)]

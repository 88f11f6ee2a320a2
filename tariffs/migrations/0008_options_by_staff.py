from django.db import migrations

from accounts import roles

SWITCH = ("add_optionuse", "change_optionuse", "add_offeruse")
GRANTS = {roles.OPERATOR: SWITCH, roles.SUPPORT_AGENT: SWITCH, roles.SUPERVISOR: SWITCH}


class Migration(migrations.Migration):
    """Whoever answers a subscriber's call switches an option, or takes an offer, for them."""

    dependencies = [("tariffs", "0007_switches_by_staff")]
    operations = [migrations.RunPython(roles.granting("tariffs", GRANTS), migrations.RunPython.noop)]

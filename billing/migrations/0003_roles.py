from django.db import migrations

from accounts import roles

READ = ("view_account", "view_ledgerentry", "view_adjustment")
MONEY = (*READ, "add_adjustment", "approve_adjustment")

GRANTS = {
    roles.OPERATOR: READ,
    roles.SUPPORT_AGENT: READ,
    roles.ACCOUNTANT: MONEY,
    roles.SUPERVISOR: MONEY,
}


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_guards"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(roles.granting("billing", GRANTS), migrations.RunPython.noop)]

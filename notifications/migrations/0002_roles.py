from django.db import migrations

from accounts import roles

READ = ("view_notice",)
GRANTS = {roles.OPERATOR: READ, roles.SUPPORT_AGENT: READ, roles.SUPERVISOR: READ}


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial"), ("accounts", "0003_roles")]
    operations = [migrations.RunPython(roles.granting("notifications", GRANTS), migrations.RunPython.noop)]

from django.db import migrations

from accounts import roles

MAY = ("add_suspension", "change_suspension")
GRANTS = {role: MAY for role in (roles.OPERATOR, roles.SUPPORT_AGENT, roles.SUPERVISOR)}


class Migration(migrations.Migration):
    """Whoever answers a subscriber's call plans a pause for them, cancels it and ends it early."""

    dependencies = [("tariffs", "0005_parts_of_months")]
    operations = [migrations.RunPython(roles.granting("tariffs", GRANTS), migrations.RunPython.noop)]

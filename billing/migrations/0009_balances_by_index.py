"""Balances are found by index, whatever the statement that posts has been told to do without.

The plan of the trigger is made once a session. Made while ten thousand entries are posted, or while the month run has
loops switched off, it would read every account, and then do so for every single payment after it.
"""

from django.db import migrations

FORWARD = """
ALTER FUNCTION billing_add_to_balances()
    SET enable_nestloop = on SET enable_hashjoin = off SET enable_mergejoin = off
"""
BACKWARD = "ALTER FUNCTION billing_add_to_balances() RESET ALL"


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_discounts")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]

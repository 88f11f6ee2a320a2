import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_refused_without_a_number")]
    operations = [
        migrations.AddIndex(
            model_name="ledgerentry",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="ledger_by_day"),
        ),
    ]

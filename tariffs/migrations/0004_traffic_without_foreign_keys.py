import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tariffs", "0003_uses_of_options")]
    operations = [
        migrations.AlterField(
            model_name=name,
            name="contract",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.contract",
            ),
        )
        for name in ("traffichour", "trafficday")
    ]

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations
from django.db.models import Func


class Migration(migrations.Migration):
    """An option in another quantity from the 1st is a row beside that of today: days must not overlap, rows may."""

    dependencies = [("tariffs", "0002_roles")]
    operations = [
        BtreeGistExtension(),
        migrations.RemoveConstraint("optionuse", "one_use_of_an_option_per_contract"),
        migrations.AddConstraint(
            "optionuse",
            ExclusionConstraint(
                name="one_use_of_an_option_at_a_time",
                expressions=[
                    ("contract", "="),
                    ("option", "="),
                    (Func("since", "until", function="daterange", output_field=DateRangeField()), "&&"),
                ],
            ),
        ),
    ]

"""A tariff says which services it has; whether it is a bundle follows from that.

`tariffs_parts` is that of 0005, but for the services: an option of a service is charged where the tariff has this service,
not under any bundle.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

# Until now a bundle told its services only by what it gave of each; one that told of less than two had them all.
FILL = """
UPDATE tariffs_tariff SET services = CASE WHEN family <> 'bundle' THEN ARRAY[family] ELSE array_remove(ARRAY[
    CASE WHEN speed_down IS NOT NULL THEN 'internet' END,
    CASE WHEN channels IS NOT NULL THEN 'tv' END,
    CASE WHEN minutes IS NOT NULL THEN 'telephony' END
]::varchar[], NULL) END;
UPDATE tariffs_tariff SET services = ARRAY['internet', 'tv', 'telephony']
WHERE family = 'bundle' AND cardinality(services) < 2 AND speed_down IS NOT NULL;
UPDATE tariffs_tariff SET services = ARRAY['tv', 'telephony'] WHERE family = 'bundle' AND cardinality(services) < 2;
UPDATE tariffs_tariff SET speed_down = NULL, speed_up = NULL WHERE NOT services @> ARRAY['internet']::varchar[];
UPDATE tariffs_tariff SET speed_up = speed_down WHERE speed_up IS NULL;
UPDATE tariffs_option SET needs = '' WHERE needs = 'bundle';
-- A table whose deferred checks wait for the commit cannot be altered.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""

PARTS = """
CREATE OR REPLACE FUNCTION tariffs_parts(first_contract bigint, last_contract bigint, day date, with_planned boolean)
RETURNS TABLE (contract_id bigint, place integer, use_id bigint, code text, title text, fee numeric)
LANGUAGE sql STABLE AS $$
WITH tariff AS (
    SELECT had.contract_id, had.tariff_id, tariff.name, tariff.services, price.fee
    FROM (
        SELECT subscription.contract_id, COALESCE(planned.tariff_id, subscription.tariff_id) AS tariff_id
        FROM tariffs_subscription AS subscription
        LEFT JOIN tariffs_switch AS planned
            ON with_planned AND planned.contract_id = subscription.contract_id
            AND planned.contract_id BETWEEN first_contract AND last_contract
            AND planned.state = 'planned' AND planned."on" <= day
        WHERE subscription.contract_id BETWEEN first_contract AND last_contract
            AND subscription.since <= day AND (subscription.until IS NULL OR subscription.until > day)
    ) AS had
    JOIN tariffs_tariff AS tariff ON tariff.id = had.tariff_id
    JOIN (
        SELECT DISTINCT ON (tariff_id) tariff_id, fee FROM tariffs_tariffprice
        WHERE since <= day ORDER BY tariff_id, since DESC
    ) AS price ON price.tariff_id = had.tariff_id
), used AS (
    SELECT used.contract_id, used.id AS use_id, used.option_id,
        CASE used.quantity WHEN 1 THEN option.name ELSE option.name || ' × ' || used.quantity END AS title,
        price.fee * used.quantity AS fee
    FROM tariffs_optionuse AS used
    JOIN tariff ON tariff.contract_id = used.contract_id
    JOIN tariffs_option AS option ON option.id = used.option_id
    JOIN (
        SELECT DISTINCT ON (option_id) option_id, fee FROM tariffs_optionprice
        WHERE since <= day ORDER BY option_id, since DESC
    ) AS price ON price.option_id = used.option_id
    WHERE used.contract_id BETWEEN first_contract AND last_contract
        AND used.since <= day AND (used.until IS NULL OR used.until > day)
        AND (option.needs = '' OR option.needs = ANY (tariff.services))
), share AS (
    -- Each percentage is of the full fee; together they take no more than all of it.
    SELECT taken.contract_id, taken.id AS use_id, offer.name AS title, base.fee AS base,
        ROUND(base.fee * taken.percent / 100, 2) AS share,
        COALESCE(SUM(ROUND(base.fee * taken.percent / 100, 2)) OVER (
            PARTITION BY taken.contract_id, taken.option_id ORDER BY taken.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS taken_before
    FROM tariffs_offeruse AS taken
    JOIN tariffs_offer AS offer ON offer.id = taken.offer_id
    JOIN tariff ON tariff.contract_id = taken.contract_id
    JOIN (
        SELECT tariff.contract_id, NULL::bigint AS option_id, tariff.fee FROM tariff
        UNION ALL SELECT used.contract_id, used.option_id, used.fee FROM used
    ) AS base ON base.contract_id = taken.contract_id AND base.option_id IS NOT DISTINCT FROM taken.option_id
    WHERE taken.contract_id BETWEEN first_contract AND last_contract
        AND taken.percent IS NOT NULL AND taken.since <= day AND taken.until > day
        AND (
            NOT EXISTS (SELECT FROM tariffs_offer_tariffs AS meant WHERE meant.offer_id = taken.offer_id)
            OR EXISTS (
                SELECT FROM tariffs_offer_tariffs AS meant
                WHERE meant.offer_id = taken.offer_id AND meant.tariff_id = tariff.tariff_id
            )
        )
)
SELECT tariff.contract_id, 0, NULL::bigint, '', tariff.name::text, tariff.fee
FROM tariff
UNION ALL
SELECT used.contract_id, 1, used.use_id, 'option:' || used.use_id, used.title, used.fee
FROM used
UNION ALL
SELECT share.contract_id, 2, share.use_id, 'offer:' || share.use_id, share.title::text,
    -LEAST(share.share, share.base - share.taken_before)
FROM share WHERE share.share > 0 AND share.taken_before < share.base
$$;
"""

SERVICES = [("internet", "internet"), ("tv", "television"), ("telephony", "telephony")]


class Migration(migrations.Migration):
    dependencies = [("tariffs", "0008_options_by_staff")]

    operations = [
        migrations.RemoveConstraint("tariff", "an_internet_tariff_has_its_speed"),
        migrations.AddField(
            "tariff",
            "services",
            ArrayField(models.CharField(choices=SERVICES, max_length=9), default=list, verbose_name="services"),
            preserve_default=False,
        ),
        migrations.RunSQL(FILL),
        migrations.RunSQL(PARTS),
        migrations.RemoveField("tariff", "family"),
        migrations.AddField(
            "tariff",
            "family",
            models.GeneratedField(
                expression=models.Case(
                    models.When(services__len=1, then=models.F("services__0")), default=models.Value("bundle")
                ),
                output_field=models.CharField(max_length=9),
                db_persist=True,
                choices=[*SERVICES, ("bundle", "bundle")],
                verbose_name="service",
            ),
        ),
        migrations.AlterField(
            "option",
            "needs",
            models.CharField(
                blank=True,
                choices=SERVICES,
                help_text="A tariff that has this service, alone or in a bundle.",
                max_length=9,
                verbose_name="needs the service",
            ),
        ),
        migrations.AddConstraint(
            "option",
            models.CheckConstraint(
                condition=models.Q(needs__in=["", "internet", "tv", "telephony"]), name="an_option_needs_a_service"
            ),
        ),
        migrations.AddConstraint(
            "tariff",
            models.CheckConstraint(
                condition=models.Q(services__contained_by=["internet", "tv", "telephony"], services__len__gte=1),
                name="a_tariff_has_services",
            ),
        ),
        migrations.AddConstraint(
            "tariff",
            models.CheckConstraint(
                condition=models.Q(services__contains=["internet"], speed_down__isnull=False, speed_up__isnull=False)
                | models.Q(~models.Q(services__contains=["internet"]), speed_down=None, speed_up=None),
                name="internet_and_only_internet_has_a_speed",
            ),
        ),
    ]

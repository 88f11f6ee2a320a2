"""What contracts are charged, in SQL: the same as tariffs/picture.py and tariffs/pricing.py, for any number at once.

`tariffs_parts` is one query without a condition, so that PostgreSQL plans it as a part of the query that asks: over a
range of contracts it joins whole tables, for one contract it looks up a few rows.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION tariffs_parts(first_contract bigint, last_contract bigint, day date, with_planned boolean)
RETURNS TABLE (contract_id bigint, place integer, use_id bigint, code text, title text, fee numeric)
LANGUAGE sql STABLE AS $$
WITH tariff AS (
    SELECT had.contract_id, had.tariff_id, tariff.name, tariff.family, price.fee
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
        AND (option.needs IN ('', tariff.family) OR tariff.family = 'bundle')
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

-- What the days from `day` to the end of its month cost: each part rounded on its own, as its line is.
CREATE FUNCTION tariffs_rest(contract bigint, day date) RETURNS numeric LANGUAGE plpgsql STABLE AS $$
DECLARE
    length numeric := EXTRACT(DAY FROM date_trunc('month', day) + interval '1 month' - interval '1 day');
BEGIN
    RETURN (
        SELECT COALESCE(SUM(ROUND(part.fee * (length - EXTRACT(DAY FROM day) + 1) / length, 2)), 0)
        FROM tariffs_parts(contract, contract, day, false) AS part
    );
END $$;

-- For billing/seller.py: the parts of today, then those of each month to come that differ from the month before.
CREATE FUNCTION tariffs_months(contract bigint, today date) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    following date := date_trunc('month', today) + interval '1 month';
    horizon date := following + interval '61 months';
BEGIN
    RETURN (
        WITH changes AS (
            SELECT subscription.since AS day FROM tariffs_subscription AS subscription
            WHERE subscription.contract_id = contract
            UNION ALL SELECT subscription.until FROM tariffs_subscription AS subscription
            WHERE subscription.contract_id = contract
            UNION ALL SELECT planned."on" FROM tariffs_switch AS planned
            WHERE planned.contract_id = contract AND planned.state = 'planned'
            UNION ALL SELECT unnest(ARRAY[used.since, used.until]) FROM tariffs_optionuse AS used
            WHERE used.contract_id = contract
            UNION ALL SELECT unnest(ARRAY[taken.since, taken.until]) FROM tariffs_offeruse AS taken
            WHERE taken.contract_id = contract AND taken.percent IS NOT NULL
            UNION ALL SELECT price.since FROM tariffs_tariffprice AS price WHERE price.since > today
            UNION ALL SELECT price.since FROM tariffs_optionprice AS price WHERE price.since > today
        ), begins AS (
            SELECT today AS day
            UNION SELECT following
            UNION SELECT (date_trunc('month', change.day - 1) + interval '1 month')::date FROM changes AS change
            WHERE change.day > following AND change.day < horizon
        )
        SELECT jsonb_agg(jsonb_build_object('since', begins.day, 'parts', month.parts) ORDER BY begins.day)
        FROM begins CROSS JOIN LATERAL (
            SELECT COALESCE(jsonb_agg(
                jsonb_build_array(part.code, part.title, part.fee::text) ORDER BY part.place, part.use_id
            ), '[]'::jsonb) AS parts
            FROM tariffs_parts(contract, contract, begins.day, begins.day > today) AS part
        ) AS month
    );
END $$;
"""

BACKWARD = """
DROP FUNCTION tariffs_months(bigint, date);
DROP FUNCTION tariffs_rest(bigint, date);
DROP FUNCTION tariffs_parts(bigint, bigint, date, boolean);
"""


class Migration(migrations.Migration):
    dependencies = [("tariffs", "0004_traffic_without_foreign_keys")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]

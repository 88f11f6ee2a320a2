"""The month run in SQL: one statement a range, and the same first half of it to look before leaping.

The range stands on both sides of every join: with it on one side only, PostgreSQL reads the whole of the other.
"""

# Needs: first, last (contracts), day (whose parts are charged), month (its 1st), now. Sums in rubles.
PAYERS = """
line AS MATERIALIZED (
    SELECT part.contract_id, part.place, part.use_id, part.code, part.title, part.fee
    FROM tariffs_parts(%(first)s, %(last)s, %(day)s, %(with_planned)s) AS part
    WHERE part.fee <> 0
), due AS MATERIALIZED (
    SELECT line.contract_id, SUM(line.fee) AS fee, MIN(line.place) AS place,
        MIN(line.use_id) FILTER (WHERE line.place = 1) AS first_option
    FROM line GROUP BY line.contract_id
), payer AS MATERIALIZED (
    SELECT due.contract_id, due.fee, due.place, due.first_option,
        account.balance + account.credit_limit + COALESCE(promise.amount, 0) AS money
    FROM due
    JOIN accounts_contract AS contract
        ON contract.id = due.contract_id AND contract.id BETWEEN %(first)s AND %(last)s
        AND contract.state = 'active'
    JOIN billing_account AS account
        ON account.contract_id = due.contract_id AND account.contract_id BETWEEN %(first)s AND %(last)s
    LEFT JOIN billing_promisedpayment AS promise
        ON promise.account_id = due.contract_id AND promise.account_id BETWEEN %(first)s AND %(last)s
        AND promise.state = 'open' AND promise.due_at > %(money_at)s
    -- A tariff that began within the month is charged by days, by whoever gave it.
    WHERE %(day)s <= %(month)s OR EXISTS (
        SELECT FROM tariffs_subscription AS subscription
        WHERE subscription.contract_id = due.contract_id AND subscription.since <= %(month)s
            AND (subscription.until IS NULL OR subscription.until > %(month)s)
    )
)
"""

LOCK = """
SELECT COUNT(*) FROM (
    SELECT FROM billing_account WHERE contract_id BETWEEN %(first)s AND %(last)s
    ORDER BY contract_id FOR NO KEY UPDATE
) AS locked
"""

# Under the locks a month that is not charged now stays so until the commit: one look at its key is enough. It is asked
# in a way that PostgreSQL cannot turn into a join, for which it might read the whole ledger.
CHARGE = f"""
WITH {PAYERS}, able AS MATERIALIZED (
    SELECT named.*, (SELECT entry.id FROM billing_ledgerentry AS entry WHERE entry.key = named.key) IS NULL AS is_open
    FROM (SELECT payer.*, 'month:' || payer.contract_id || %(suffix)s AS key FROM payer OFFSET 0) AS named
), posted AS (
    INSERT INTO billing_ledgerentry (account_id, kind, amount, key, at, title)
    SELECT line.contract_id, CASE WHEN line.fee < 0 THEN 'discount' ELSE 'month' END, -line.fee,
        -- Under a free tariff the first paid option opens the month: its line has the month's own key.
        CASE WHEN line.place = 0 OR (able.place = 1 AND line.place = 1 AND line.use_id = able.first_option)
            THEN able.key ELSE able.key || ':' || line.code END,
        %(now)s, line.title
    FROM line JOIN able ON able.contract_id = line.contract_id AND able.is_open AND able.money >= able.fee
    ORDER BY line.place, line.contract_id, line.use_id
)
SELECT COUNT(*) FILTER (WHERE able.is_open AND able.money >= able.fee),
    COALESCE(SUM(able.fee) FILTER (WHERE able.is_open AND able.money >= able.fee), 0),
    COALESCE(
        jsonb_object_agg(able.contract_id, (able.fee - able.money)::text)
        FILTER (WHERE able.is_open AND able.money < able.fee), '{{}}'::jsonb
    )::text
FROM able
"""

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
    SELECT line.contract_id, SUM(line.fee) AS fee FROM line GROUP BY line.contract_id
), payer AS MATERIALIZED (
    SELECT due.contract_id, due.fee,
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

# The first line of a contract has the key of the month: who has it already is left alone, and so are its other lines.
CHARGE = f"""
WITH {PAYERS}, opening AS (
    SELECT line.* FROM line JOIN payer USING (contract_id) WHERE line.place = 0 AND payer.money >= payer.fee
    UNION ALL
    -- Under a free tariff the first paid option opens the month.
    SELECT * FROM (
        SELECT DISTINCT ON (line.contract_id) line.* FROM line JOIN payer USING (contract_id)
        WHERE line.place = 1 AND payer.money >= payer.fee
            AND line.contract_id NOT IN (SELECT paid.contract_id FROM line AS paid WHERE paid.place = 0)
        ORDER BY line.contract_id, line.use_id
    ) AS option
), opened AS (
    INSERT INTO billing_ledgerentry (account_id, kind, amount, key, at, title)
    SELECT contract_id, 'month', -fee, 'month:' || contract_id || %(suffix)s, %(now)s, title FROM opening
    ORDER BY contract_id
    ON CONFLICT (key) DO NOTHING
    RETURNING account_id, amount
), more AS (
    INSERT INTO billing_ledgerentry (account_id, kind, amount, key, at, title)
    SELECT line.contract_id, CASE WHEN line.fee < 0 THEN 'discount' ELSE 'month' END, -line.fee,
        'month:' || line.contract_id || %(suffix)s || ':' || line.code, %(now)s, line.title
    FROM line JOIN opened ON opened.account_id = line.contract_id
    JOIN opening ON opening.contract_id = line.contract_id AND opening.code <> line.code
    WHERE line.place > 0
    ORDER BY line.contract_id, line.place, line.use_id
    ON CONFLICT (key) DO NOTHING
    RETURNING amount
)
SELECT (SELECT COUNT(*) FROM opened),
    (SELECT COALESCE(-SUM(amount), 0) FROM opened) - (SELECT COALESCE(SUM(amount), 0) FROM more),
    (
        SELECT COALESCE(jsonb_object_agg(payer.contract_id, (payer.fee - payer.money)::text), '{{}}'::jsonb)
        FROM payer WHERE payer.money < payer.fee AND NOT EXISTS (
            SELECT FROM billing_ledgerentry AS entry WHERE entry.key = 'month:' || payer.contract_id || %(suffix)s
        )
    )::text
"""

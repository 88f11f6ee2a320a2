"""What the database itself keeps: an account for each contract, entries that stay, a balance that is their sum."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_open_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO billing_account (contract_id, balance) SELECT id, 0 FROM new_contracts;
    RETURN NULL;
END $$;

CREATE TRIGGER every_contract_has_an_account AFTER INSERT ON accounts_contract
REFERENCING NEW TABLE AS new_contracts
FOR EACH STATEMENT EXECUTE FUNCTION billing_open_accounts();

CREATE FUNCTION billing_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: post a correction instead'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON billing_ledgerentry
FOR EACH STATEMENT EXECUTE FUNCTION billing_ledger_is_append_only();

CREATE FUNCTION billing_add_to_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE billing_account SET balance = balance + posted.total
    FROM (SELECT account_id, sum(amount) AS total FROM new_entries GROUP BY account_id) AS posted
    WHERE billing_account.contract_id = posted.account_id;
    RETURN NULL;
END $$;

CREATE TRIGGER balance_is_the_sum_of_entries AFTER INSERT ON billing_ledgerentry
REFERENCING NEW TABLE AS new_entries
FOR EACH STATEMENT EXECUTE FUNCTION billing_add_to_balances();

-- The trigger above is the only writer of a balance: its UPDATE comes from inside a trigger, a hand's does not.
CREATE FUNCTION billing_only_the_ledger_moves_a_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a balance changes by ledger entries only'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER only_the_ledger_moves_a_balance BEFORE UPDATE OF balance ON billing_account
FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND OLD.balance IS DISTINCT FROM NEW.balance)
EXECUTE FUNCTION billing_only_the_ledger_moves_a_balance();

CREATE TRIGGER a_new_account_is_empty BEFORE INSERT ON billing_account
FOR EACH ROW WHEN (NEW.balance <> 0)
EXECUTE FUNCTION billing_only_the_ledger_moves_a_balance();
"""

BACKWARD = """
DROP TRIGGER a_new_account_is_empty ON billing_account;
DROP TRIGGER only_the_ledger_moves_a_balance ON billing_account;
DROP FUNCTION billing_only_the_ledger_moves_a_balance();
DROP TRIGGER balance_is_the_sum_of_entries ON billing_ledgerentry;
DROP FUNCTION billing_add_to_balances();
DROP TRIGGER ledger_is_append_only ON billing_ledgerentry;
DROP FUNCTION billing_ledger_is_append_only();
DROP TRIGGER every_contract_has_an_account ON accounts_contract;
DROP FUNCTION billing_open_accounts();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial"), ("accounts", "0002_guards")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]

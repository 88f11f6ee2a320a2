"""What the database itself keeps: contract numbers given once, a journal nobody rewrites."""

from django.db import migrations

FORWARD = """
CREATE SEQUENCE accounts_contract_number START 100001;

CREATE FUNCTION accounts_journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit journal is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE ON accounts_journalentry
FOR EACH STATEMENT EXECUTE FUNCTION accounts_journal_is_append_only();
"""

BACKWARD = """
DROP TRIGGER journal_is_append_only ON accounts_journalentry;
DROP FUNCTION accounts_journal_is_append_only();
DROP SEQUENCE accounts_contract_number;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]

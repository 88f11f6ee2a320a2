"""Emptying the tables after a test with real commits, but for the rows that migrations made, such as the staff's roles.

Django's own flush empties those too, and every later test of that worker misses them. This is also quicker.
"""

from django.db import connection, transaction

KEPT_IN = "made_by_migrations"  # a schema beside the tests' tables


def keep():
    """Remember what the migrations made. Once, in a fresh database."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {KEPT_IN}")
        for table in _tables():
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}")')
            if cursor.fetchone()[0]:
                cursor.execute(f'CREATE TABLE {KEPT_IN}."{table}" AS TABLE "{table}"')


def restore():
    """Empty all tables and bring back what was kept."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [KEPT_IN])
        kept = [table for (table,) in cursor.fetchall()]
        cursor.execute("SET LOCAL session_replication_role = replica")  # no triggers, foreign keys in any order
        cursor.execute("TRUNCATE {} CASCADE".format(", ".join(f'"{table}"' for table in _tables())))
        for table in kept:
            cursor.execute(f'INSERT INTO "{table}" SELECT * FROM {KEPT_IN}."{table}"')


def _tables():
    return connection.introspection.django_table_names(only_existing=True, include_views=False)

"""ADBC's Flight SQL driver for Python, through the DB-API and below it."""

import unittest
import warnings
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from adbc_driver_flightsql import DatabaseOptions, dbapi
from adbc_driver_manager import AdbcStatusCode, DatabaseError, NotSupportedError, OperationalError, ProgrammingError

import queries
from shop import gateway, orders


def connect(user, password=None, uri=None, **options):
    """A DB-API connection over TLS; options are the driver's own names."""
    authority = {DatabaseOptions.TLS_ROOT_CERTS.value: gateway().pem("ca.pem").decode()}
    login = {"username": user, "password": password or user}
    return dbapi.connect(uri or gateway().uri, db_kwargs={**login, **authority, **options}, autocommit=True)


def ask(connection, sql, parameters=None):
    """The rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


class Adbc(unittest.TestCase):
    def setUp(self):
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("error")

    def connection(self, user, **options):
        return self.enterContext(connect(user, **options))

    def test_shared_queries(self):
        for user in ["ann", "sam"]:
            connection = self.connection(user)
            queries.check(self, user, lambda sql, parameters: ask(connection, sql, parameters))

    def test_flightsql_scheme_is_tls(self):
        connection = self.connection("sam", uri=f"flightsql://localhost:{gateway().port}")
        self.assertEqual(ask(connection, "SELECT 1"), [(1,)])

    def test_a_server_of_another_authority_is_not_trusted(self):
        with self.assertRaisesRegex(OperationalError, "(?i)certificate"):
            ask(dbapi.connect(gateway().uri, db_kwargs={"username": "sam", "password": "sam"}, autocommit=True), "SELECT 1")

    def test_a_password_that_base64_would_pad(self):
        self.assertEqual(ask(self.connection("ab", password="c"), "SELECT count(*) FROM sales.customers"), [(100,)])

    def test_a_wrong_password_is_unauthenticated(self):
        for user, password in [("ann", "wrong"), ("nobody", "nobody")]:
            with self.assertRaisesRegex(ProgrammingError, "(?i)unauthenticated"):
                connect(user, password)

    def test_twelve_parameters_keep_their_order_and_any_may_be_null(self):
        marks = ", ".join(f"CAST(? AS BIGINT) AS c{place}" for place in range(12))
        sam = self.connection("sam")
        self.assertEqual(ask(sam, f"SELECT {marks}", range(12)), [tuple(range(12))])
        some = [None if place % 3 == 0 else place for place in range(12)]
        self.assertEqual(ask(sam, f"SELECT {marks}", some), [tuple(some)])

    def test_a_wrong_number_of_parameters_is_told(self):
        with self.assertRaisesRegex(Exception, "(?i)param"):
            ask(self.connection("sam"), "SELECT CAST(? AS BIGINT), CAST(? AS BIGINT)", (1,))

    def test_rows_that_are_bound_together_are_answered_together(self):
        sam = self.connection("sam")
        rows = ask(sam, "SELECT order_id, region FROM sales.orders WHERE order_id = ?",
                   pa.record_batch({"0": pa.array([3, 1, None, 2], pa.int64())}))
        self.assertEqual(rows, [(3, "EU"), (1, "US"), (2, "APAC")])

    def test_executemany_of_a_query_is_no_update(self):
        sam = self.connection("sam")
        with sam.cursor() as cursor, self.assertRaises(DatabaseError):
            cursor.executemany("DELETE FROM sales.orders WHERE order_id = ?", [(1,), (2,)])
        self.assertEqual(ask(sam, "SELECT count(*) FROM sales.orders"), [(3_000,)])

    def test_rowcount_is_unknown_and_a_cursor_may_be_closed_unread(self):
        sam = self.connection("sam")
        for _ in range(20):
            with sam.cursor() as cursor:
                cursor.execute("SELECT * FROM sales.orders")
                self.assertEqual(cursor.rowcount, -1)
        self.assertEqual(ask(sam, "SELECT 1"), [(1,)])

    def test_writes_of_every_kind_are_refused(self):
        sam, rows = self.connection("sam"), pa.table({"a": [1]})
        with sam.cursor() as cursor:
            for mode in ["append", "create", "replace", "create_append"]:
                with self.assertRaises(NotSupportedError):
                    cursor.adbc_ingest("orders", rows, mode=mode, db_schema_name="sales")
        with sam.cursor() as cursor, self.assertRaisesRegex(DatabaseError, "read-only"):
            cursor.adbc_statement.set_sql_query("INSERT INTO sales.orders (order_id) VALUES (1)")
            cursor.adbc_statement.execute_update()
        self.assertEqual(ask(sam, "SELECT count(*) FROM sales.orders"), [(3_000,)])

    def test_an_update_of_a_query_is_refused_or_counts_nothing(self):
        with self.connection("sam").cursor() as cursor:
            cursor.adbc_statement.set_sql_query("SELECT 1")
            with self.assertRaisesRegex(DatabaseError, "query"):
                cursor.adbc_statement.execute_update()

    def test_transactions_are_not_supported(self):
        with self.assertRaises(NotSupportedError):
            self.connection("sam").adbc_connection.set_autocommit(False)

    def test_info(self):
        info = self.connection("sam").adbc_get_info()
        self.assertEqual(info["vendor_name"], "meshgate")
        self.assertRegex(info["vendor_version"], r"^\d+\.\d+\.\d+")
        self.assertTrue(info["vendor_arrow_version"])

    def test_table_types(self):
        self.assertEqual(self.connection("sam").adbc_get_table_types(), ["TABLE", "VIEW"])

    def test_table_schema(self):
        schema = self.connection("ann").adbc_get_table_schema("orders", db_schema_filter="sales")
        self.assertEqual(schema.names, [name for name in orders().schema.names if name != "margin"])
        with self.assertRaises(DatabaseError):
            self.connection("eve").adbc_get_table_schema("orders", db_schema_filter="sales")

    def test_a_schema_without_running_is_that_of_the_rows(self):
        for query in queries.QUERIES:
            if "error" in query or "error" in query.get("ann", {}) or "parameters" in query:
                continue
            with self.subTest(query=query["name"]), self.connection("ann").cursor() as cursor:
                schema = cursor.adbc_execute_schema(query["sql"])
                cursor.execute(query["sql"])
                self.assertEqual(cursor.fetch_arrow_table().schema, schema)

    def test_an_error_of_100_kb_is_cut_and_has_its_code(self):
        with self.assertRaises(ProgrammingError) as raised:
            ask(self.connection("sam"), f'SELECT "{"x" * 100_000}" FROM sales.orders')
        self.assertEqual(raised.exception.status_code, AdbcStatusCode.INVALID_ARGUMENT)
        self.assertLess(len(str(raised.exception)), 4_096)
        self.assertIn('column "xxx', str(raised.exception))

    def test_large_values_large_results_and_many_at_a_time(self):
        sam = self.connection("sam")
        texts = ask(sam, "SELECT repeat('x', 5000000) AS x FROM generate_series(1, 4)")
        self.assertEqual([len(text) for text, in texts], [5_000_000] * 4)
        self.assertEqual(len(ask(sam, "SELECT " + ", ".join(f"{n} AS c{n}" for n in range(1_000)))[0]), 1_000)
        self.assertEqual(ask(sam, "SELECT length(CAST(? AS text))", ["x" * 1_000_000]), [(1_000_000,)])
        with ThreadPoolExecutor(16) as threads:
            counts = threads.map(lambda n: ask(sam, f"SELECT count(*) + {n} FROM sales.orders")[0][0], range(48))
            self.assertEqual(list(counts), [3_000 + n for n in range(48)])

    def test_values_that_are_too_large_are_refused_as_such(self):
        sam = self.connection("sam")
        for size in [5_000_000, 10_000_000]:
            with self.subTest(size=size), self.assertRaisesRegex(DatabaseError, "ResourceExhausted"):
                ask(sam, "SELECT length(CAST(? AS text))", ["x" * size])
        with self.assertRaisesRegex(DatabaseError, "(?s)limits.statement.*ResourceExhausted"):
            ask(sam, f"SELECT '{'x' * 2_000_000}'")


if __name__ == "__main__":
    unittest.main()

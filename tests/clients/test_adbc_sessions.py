"""ADBC's Flight SQL driver: sessions, metadata, partitions, and queries that end before their time."""

import base64
import json
import threading
import time
import unittest
import warnings

from adbc_driver_flightsql import ConnectionOptions, DatabaseOptions, StatementOptions, dbapi
from adbc_driver_manager import DatabaseError
from pyarrow import flight

from shop import gateway
from test_adbc import ask, connect

# Longer than a machine with other work takes to notice, shorter than the statements would run.
SOON = 60
ENDLESS = "SELECT sum(a.value % (b.value + 1)) FROM generate_series(1, 100000000) a, generate_series(1, 1000000) b"
LONG = "SELECT a.value FROM generate_series(1, 1000000000) a"
TOTAL = "SELECT count(*) AS n, sum(order_id) AS ids FROM sales.orders"

COOKIES = DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value
SESSION = ConnectionOptions.OPTION_SESSION_OPTION_PREFIX.value


class Base(unittest.TestCase):
    def setUp(self):
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("error")

    def connection(self, user, **options):
        return self.enterContext(connect(user, **options))


class Sessions(Base):
    def test_the_current_schema_is_each_connections_own(self):
        for cookies in ["false", "true"]:
            with self.subTest(cookies=cookies):
                one, two = [self.connection("sam", **{COOKIES: cookies}) for _ in range(2)]
                self.assertEqual((one.adbc_current_catalog, one.adbc_current_db_schema), ("shop", ""))
                one.adbc_current_catalog = "shop"
                one.adbc_current_db_schema = "sales"
                self.assertEqual((one.adbc_current_db_schema, two.adbc_current_db_schema), ("sales", ""))
                self.assertEqual(ask(one, "SELECT count(*) FROM orders"), [(3_000,)])
                with self.assertRaisesRegex(DatabaseError, "orders"):
                    ask(two, "SELECT count(*) FROM orders")

    def test_what_is_no_schema_of_the_user_cannot_be_set(self):
        for user, schema in [("sam", "nowhere"), ("ab", "types"), ("eve", "sales")]:
            with self.subTest(user=user), self.assertRaises(DatabaseError):
                self.connection(user, **({"password": "c"} if user == "ab" else {})).adbc_current_db_schema = schema
        with self.assertRaises(DatabaseError):
            self.connection("sam").adbc_current_catalog = "elsewhere"

    def test_connections_that_share_a_credential_share_nothing_else(self):
        basic = "Basic " + base64.b64encode(b"sam:sam").decode()
        for cookies in ["false", "true"]:
            with self.subTest(cookies=cookies):
                one, two = [self.enterContext(without_login(basic, cookies)) for _ in range(2)]
                one.adbc_current_db_schema = "sales"
                self.assertEqual((one.adbc_current_db_schema, two.adbc_current_db_schema), ("sales", ""))
                self.assertEqual(ask(one, "SELECT count(*) FROM orders"), [(3_000,)])
                with self.assertRaisesRegex(DatabaseError, "orders"):
                    ask(two, "SELECT count(*) FROM orders")

    def test_a_token_of_an_earlier_login_is_good(self):
        client = flight.FlightClient(gateway().uri, tls_root_certs=gateway().pem("ca.pem"))
        token = client.authenticate_basic_token("ann", "ann")[1].decode()
        self.assertEqual(ask(self.enterContext(without_login(token, "false")), "SELECT count(*) FROM sales.orders"), [(750,)])
        with self.assertRaisesRegex(DatabaseError, "(?i)unauthenticated"):
            ask(self.enterContext(without_login("Bearer nonsense", "false")), "SELECT 1")

    def test_options_of_the_session_bound_its_queries(self):
        sam = self.connection("sam")
        sam.adbc_connection.set_options(**{SESSION + "rows": "7"})
        self.assertEqual(json.loads(sam.adbc_connection.get_option("adbc.flight.sql.session.options"))["rows"], 7)
        with self.assertRaises(DatabaseError):
            sam.adbc_connection.set_options(**{SESSION + "no_such_option": "7"})

    def test_a_header_on_every_call_does_no_harm(self):
        for size in [10, 20_000]:
            sam = self.connection("sam", **{DatabaseOptions.RPC_CALL_HEADER_PREFIX.value + "x-note": "n" * size})
            self.assertEqual(ask(sam, "SELECT 1"), [(1,)])


def without_login(header, cookies):
    """A connection that sends the same header with every call."""
    options = {DatabaseOptions.AUTHORIZATION_HEADER.value: header, COOKIES: cookies,
               DatabaseOptions.TLS_ROOT_CERTS.value: gateway().pem("ca.pem").decode()}
    return dbapi.connect(gateway().uri, db_kwargs=options, autocommit=True)


class Objects(Base):
    OWN = {"information_schema", "system"}

    def tree(self, user, password=None, **filters):
        rows = self.connection(user, password=password).adbc_get_objects(**filters).read_all().to_pylist()
        return {
            catalog["catalog_name"]: catalog["catalog_db_schemas"] and {
                schema["db_schema_name"]: schema["db_schema_tables"] and {
                    table["table_name"]: (table["table_type"], table["table_columns"] and [
                        column["column_name"] for column in table["table_columns"]])
                    for table in schema["db_schema_tables"]}
                for schema in catalog["catalog_db_schemas"] if schema["db_schema_name"] not in self.OWN}
            for catalog in rows}

    def test_every_depth(self):
        self.assertEqual(self.tree("sam", depth="catalogs"), {"shop": None})
        self.assertEqual(self.tree("sam", depth="db_schemas"), {"shop": {"insights": None, "parts": None, "sales": None, "types": None}})
        self.assertEqual(self.tree("sam", depth="tables")["shop"]["insights"], {"regions": ("VIEW", None)})
        sales = self.tree("sam", depth="all")["shop"]["sales"]
        self.assertEqual(sales["customers"], ("TABLE", ["customer_id", "name", "newsletter"]))

    def test_filters(self):
        self.assertEqual(list(self.tree("sam", depth="tables", table_name_filter="ord%")["shop"]["sales"]), ["orders"])
        views = self.tree("sam", depth="tables", table_types_filter=["VIEW"])["shop"]
        self.assertEqual({name: tables for name, tables in views.items() if tables}, {"insights": {"regions": ("VIEW", None)}})
        columns = self.tree("sam", depth="columns", column_name_filter="total")["shop"]["sales"]["orders"][1]
        self.assertEqual(columns, ["total"])
        self.assertEqual(self.tree("sam", depth="all", catalog_filter="elsewhere"), {})

    def test_what_a_user_may_not_see_is_not_there(self):
        self.assertNotIn("margin", self.tree("ann", depth="all")["shop"]["sales"]["orders"][1])
        self.assertEqual(list(self.tree("ab", "c", depth="tables")["shop"]), ["sales"])
        self.assertEqual(self.tree("ab", "c", depth="tables")["shop"]["sales"], {"customers": ("TABLE", None)})
        self.assertFalse(self.tree("eve", depth="all")["shop"])


class Partitions(Base):
    def rows(self, connection, partition):
        with connection.cursor() as cursor:
            cursor.adbc_read_partition(partition)
            return cursor.fetchall()

    def test_another_connection_of_the_same_user_reads_them_and_nobody_else(self):
        sql = "SELECT order_id FROM sales.orders"
        with self.connection("ann").cursor() as cursor:
            partitions, schema = cursor.adbc_execute_partitions(sql)
        self.assertEqual(schema.names, ["order_id"])
        again = self.connection("ann")
        read = [row for partition in partitions for row in self.rows(again, partition)]
        self.assertEqual(sorted(read), sorted(ask(again, sql)))
        self.assertEqual(len(read), 750)
        for user, password in [("sam", "sam"), ("eve", "eve")]:
            with self.subTest(user=user), self.assertRaises(DatabaseError):
                self.rows(self.connection(user, password=password), partitions[0])

    def test_a_divided_result_is_whole_and_each_part_comes_once(self):
        sam = self.connection("sam")
        sam.adbc_connection.set_options(**{SESSION + "endpoints": "4"})
        with sam.cursor() as cursor:
            partitions, _ = cursor.adbc_execute_partitions("SELECT order_id FROM parts.orders")
        self.assertTrue(1 < len(partitions) <= 4, len(partitions))
        again = self.connection("sam")
        parts = [self.rows(again, partition) for partition in partitions]
        self.assertTrue(all(parts))
        self.assertEqual(sorted(number for part in parts for number, in part), list(range(1, 3_001)))
        # The driver reads the parts of a plain statement itself, and at the same time.
        self.assertEqual(sorted(number for number, in ask(sam, "SELECT order_id FROM parts.orders")), list(range(1, 3_001)))

    def test_an_incremental_execution_ends_with_all_partitions(self):
        sam = self.connection("sam")
        with sam.cursor() as cursor:
            cursor.adbc_statement.set_options(**{"adbc.statement.exec.incremental": "true"})
            cursor.adbc_statement.set_sql_query(TOTAL)
            read = []
            for _ in range(100):
                partitions, _, _ = cursor.adbc_statement.execute_partitions()
                if not partitions:
                    break
                self.assertTrue(cursor.adbc_statement.get_option_bytes(StatementOptions.LAST_FLIGHT_INFO.value))
                done = cursor.adbc_statement.get_option_float("adbc.statement.exec.progress")
                read += [row for partition in partitions for row in self.rows(sam, partition)]
            self.assertEqual(read, [(3_000, 3_000 * 3_001 // 2)])
            self.assertEqual(done, 1.0)


class Ends(Base):
    def ends_soon(self, pattern, run):
        begun = time.monotonic()
        with self.assertRaisesRegex(Exception, pattern):
            run()
        self.assertLess(time.monotonic() - begun, SOON)

    def test_timeouts_of_the_driver(self):
        for option, seconds in [(DatabaseOptions.TIMEOUT_QUERY, "0.000001"), (DatabaseOptions.TIMEOUT_FETCH, "2")]:
            with self.subTest(option=option):
                sam = self.connection("sam", **{option.value: seconds})
                self.ends_soon("(?i)deadline|timeout", lambda: ask(sam, ENDLESS))

    def test_the_timeout_of_the_session(self):
        sam = self.connection("sam")
        sam.adbc_connection.set_options(**{SESSION + "query_timeout": "2s"})
        self.ends_soon("(?i)deadline|timeout", lambda: ask(sam, ENDLESS))
        self.assertEqual(ask(sam, "SELECT 1"), [(1,)])

    def test_cancelling_from_another_thread(self):
        sam = self.connection("sam")
        for sql in [LONG, ENDLESS]:
            with self.subTest(sql=sql), sam.cursor() as cursor:
                cancel = threading.Timer(1, cursor.adbc_cancel)

                def run():
                    cancel.start()
                    cursor.execute(sql)
                    while cursor.fetchmany(10_000):
                        pass
                self.ends_soon("(?i)cancel", run)
                cancel.join()
        self.assertEqual(ask(sam, "SELECT 1"), [(1,)])

    def test_a_stream_that_is_left_half_read(self):
        for _ in range(3):
            with self.connection("sam").cursor() as cursor:
                cursor.execute(LONG)
                self.assertEqual(cursor.fetchone(), (1,))


if __name__ == "__main__":
    unittest.main()

"""flightsql-dbapi and its SQLAlchemy dialect. Needs an environment of its own: SQLAlchemy before 2.

Started by test_flightsql_dbapi.py, which says in the environment where the gateway is.
"""

import os
import threading
import unittest

import flightsql
import flightsql.sqlalchemy  # registers the dialect
import sqlalchemy
from flightsql import FlightSQLClient
from pyarrow import flight

import queries

PORT = int(os.environ["SHOP_PORT"])
# Seconds after which something hangs.
SOON = 10


def client(user=None, password=None, **more):
    """A client that trusts the shop's authority."""
    with open(os.environ["SHOP_AUTHORITY"], "rb") as file:
        authority = file.read()
    return FlightSQLClient(host="localhost", port=PORT, user=user, password=password or user, tls_root_certs=authority, **more)


def engine(user, **options):
    """An engine; the dialect cannot be given an authority."""
    query = {"disable_server_verification": "true", **options}
    return sqlalchemy.create_engine(sqlalchemy.engine.URL.create(
        "datafusion+flightsql", user, user, "localhost", PORT, query=query))


class Dbapi(unittest.TestCase):
    def within(self, seconds, work):
        """Runs work that could hang; returns what it raised."""
        raised = []

        def run():
            try:
                work()
            except Exception as error:
                raised.append(error)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(seconds)
        self.assertFalse(thread.is_alive(), f"hangs after {seconds} s")
        return raised

    def test_shared_queries(self):
        asked = [query for query in queries.QUERIES if None not in query.get("parameters", [])]
        self.assertGreater(len(asked), 20)
        for user in ["ann", "sam"]:
            connection = flightsql.connect(client(user))

            def ask(sql, parameters):
                cursor = connection.cursor()
                cursor.execute(sql, parameters)
                # Its rows come from pandas: days are timestamps, and a column of whole numbers with NULL is no list of int.
                return [[None if cell != cell or cell is None else
                         cell.date() if hasattr(cell, "date") else cell for cell in row] for row in cursor.fetchall()]
            for query in asked:
                queries.check_one(self, query, user, ask)

    def test_parameters_of_every_type_it_has(self):
        cursor = flightsql.connect(client("sam")).cursor()
        cursor.execute("SELECT CAST(? AS BIGINT) AS i, CAST(? AS DOUBLE) AS f, CAST(? AS text) AS s, CAST(? AS BOOLEAN) AS b",
                       (7, 1.5, "x", True))
        self.assertEqual(cursor.fetchall(), [[7, 1.5, "x", True]])
        cursor.execute("SELECT count(*) FROM types.values WHERE octets = ?", (b"\x00",))
        self.assertEqual(cursor.fetchall(), [[1]])

    def test_an_update_is_refused_and_does_not_hang(self):
        [error] = self.within(SOON, lambda: client("sam").execute_update("DELETE FROM sales.orders"))
        self.assertRegex(str(error), "read-only")

    def test_without_a_credential_nothing(self):
        [error] = self.within(SOON, lambda: client().execute("SELECT 1"))
        self.assertIsInstance(error, flight.FlightUnauthenticatedError)
        [error] = self.within(SOON, lambda: client("sam", "wrong"))
        self.assertIsInstance(error, flight.FlightUnauthenticatedError)

    def test_by_token(self):
        with open(os.environ["SHOP_AUTHORITY"], "rb") as file:
            plain = flight.FlightClient(f"grpc+tls://localhost:{PORT}", tls_root_certs=file.read())
        token = plain.authenticate_basic_token("sam", "sam")[1].decode()[len("Bearer "):]
        cursor = flightsql.connect(client(token=token)).cursor()
        cursor.execute("SELECT count(*) FROM sales.orders")
        self.assertEqual(cursor.fetchall(), [[3_000]])


class SqlAlchemy(unittest.TestCase):
    def test_reflection(self):
        inspector = sqlalchemy.inspect(engine("ann"))
        self.assertEqual(sorted(inspector.get_schema_names()), ["insights", "sales", "types"])
        self.assertEqual(sorted(inspector.get_table_names(schema="sales")), ["customers", "orders"])
        columns = {column["name"]: column["type"] for column in inspector.get_columns("orders", schema="sales")}
        self.assertEqual(list(columns),
                         ["order_id", "customer_id", "order_date", "order_ts", "region", "status", "total", "email"])
        self.assertIsInstance(columns["total"], sqlalchemy.types.DECIMAL)
        self.assertTrue(inspector.has_table("orders", schema="sales"))
        self.assertFalse(sqlalchemy.inspect(engine("eve")).has_table("orders", schema="sales"))

    def test_primary_keys_where_they_are_asked_for(self):
        inspector = sqlalchemy.inspect(engine("ann", **{"feature-sqlalchemy-primary-keys": "on"}))
        self.assertEqual(inspector.get_pk_constraint("orders", schema="sales")["constrained_columns"], ["order_id"])

    def test_a_reflected_table_is_queried(self):
        for options in [{}, {"feature-sqlalchemy-prepared-statements": "on"}]:
            with self.subTest(options=options), engine("ann", **options).connect() as connection:
                orders = sqlalchemy.Table("orders", sqlalchemy.MetaData(), schema="sales", autoload_with=connection)
                count = sqlalchemy.select(sqlalchemy.func.count()).select_from(orders).where(orders.c.status == "placed")
                self.assertEqual(connection.execute(count).scalar(), 250)
                self.assertEqual(connection.execute(sqlalchemy.text("SELECT 1")).scalar(), 1)


if __name__ == "__main__":
    unittest.main()

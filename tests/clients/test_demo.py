"""`meshgate demo`, asked with ADBC as its users do, against answers computed from the raw files."""

import tempfile
import unittest
import warnings
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_flightsql import DatabaseOptions, dbapi
from adbc_driver_manager import ProgrammingError
from deltalake import DeltaTable

from processes import demo

JOIN = """
    SELECT p.segment, o.region, count(*) AS orders, sum(o.total) AS total
    FROM sales.orders o JOIN customers.profiles p ON p.customer_id = o.customer_id
    GROUP BY p.segment, o.region ORDER BY p.segment, o.region"""


def connect(address, user):
    """A DB-API connection."""
    return dbapi.connect(address, db_kwargs={"username": user, "password": user}, autocommit=True)


def ask(connection, sql, *parameters):
    """The rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall()


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.place.name) / "demo"
        cls.gateway, cls.address = demo(cls.folder)
        raw = [DeltaTable(str(cls.folder / "data" / "sales" / "orders")), cls.raw_profiles()]
        orders, cls.profiles = [table.to_pyarrow_table() for table in raw]
        cls.orders = orders.select(["order_id", "customer_id", "region", "status", "total", "contact_email"])

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        cls.place.cleanup()

    @classmethod
    def raw_profiles(cls):
        """The CRM team's own table, wherever its mesh keeps it."""
        [log] = (cls.folder / "crm").rglob("_delta_log")
        return DeltaTable(str(log.parent))

    def expected(self, orders):
        """The answer to JOIN over these raw orders, computed without SQL."""
        segments = dict(zip(self.profiles["customer_id"].to_pylist(), self.profiles["segment"].to_pylist()))
        sums = {}
        for row in orders.to_pylist():
            key = (segments[row["customer_id"]], row["region"])
            count, total = sums.get(key, (0, Decimal(0)))
            sums[key] = (count + 1, total + row["total"])
        return [(*key, *sums[key]) for key in sorted(sums)]

    def test_ten_lines_of_python_get_the_right_answer(self):
        region, status = self.orders["region"], self.orders["status"]
        hers = self.orders.filter(pc.and_(pc.equal(region, "EU"), pc.not_equal(status, "draft")))
        with connect(self.address, "ann") as ann:
            self.assertEqual(ask(ann, JOIN), self.expected(hers))

    def test_sam_gets_everything(self):
        with connect(self.address, "sam") as sam:
            self.assertEqual(ask(sam, JOIN), self.expected(self.orders))

    def test_eve_gets_nothing(self):
        with connect(self.address, "eve") as eve:
            with self.assertRaisesRegex(ProgrammingError, "sales.orders"):
                ask(eve, JOIN)
            self.assertEqual(ask(eve, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'sales'"), [])

    def test_addresses_are_masked_for_ann_in_every_row(self):
        raw = set(self.orders["contact_email"].to_pylist()) - {None}
        with connect(self.address, "ann") as ann:
            shown = {row[0] for row in ask(ann, "SELECT DISTINCT email FROM sales.orders")} - {None}
        self.assertTrue(shown)
        self.assertFalse(shown & raw)

    def test_a_wrong_password_is_told(self):
        with self.assertRaisesRegex(Exception, "(?i)unauthenticated"):
            ask(dbapi.connect(self.address, db_kwargs={"username": "ann", "password": "wrong"}, autocommit=True), "SELECT 1")

    def test_parameters_keep_their_order_and_may_be_null(self):
        marks = ", ".join(f"CAST(? AS BIGINT) AS c{place}" for place in range(12))
        with connect(self.address, "sam") as sam:
            self.assertEqual(ask(sam, f"SELECT {marks}", *range(12)), [tuple(range(12))])
            self.assertEqual(ask(sam, "SELECT count(*) FROM sales.orders WHERE region = ?", "EU"),
                             [(pc.sum(pc.equal(self.orders["region"], "EU")).as_py(),)])
            self.assertEqual(ask(sam, "SELECT count(*) FROM sales.orders WHERE region = ?", None), [(0,)])

    def test_the_tree_of_tables_is_the_readers_own(self):
        def tables(user):
            with connect(self.address, user) as connection:
                tree = connection.adbc_get_objects(depth="all").read_all().to_pylist()
            return {
                f"{schema['db_schema_name']}.{table['table_name']}"
                for catalog in tree for schema in catalog["catalog_db_schemas"] or []
                for table in schema["db_schema_tables"] or []
                if schema["db_schema_name"] not in ("information_schema", "system")
            }
        self.assertLessEqual({"sales.orders", "customers.profiles"}, tables("ann"))
        self.assertEqual(tables("eve"), set())

    def test_a_schema_without_running_is_the_schema_of_the_rows(self):
        with connect(self.address, "ann") as ann, ann.cursor() as cursor:
            schema = cursor.adbc_execute_schema(JOIN)
            cursor.execute(JOIN)
            self.assertEqual(cursor.fetch_arrow_table().schema.remove_metadata(), schema.remove_metadata())
            table = ann.adbc_get_table_schema("orders", db_schema_filter="sales")
            cursor.execute("SELECT * FROM sales.orders LIMIT 0")
            listed = [(field.name, field.type) for field in table]
            self.assertEqual([(field.name, field.type) for field in cursor.fetch_arrow_table().schema], listed)

    def test_partitions_are_read_on_another_connection(self):
        with connect(self.address, "ann") as ann, ann.cursor() as cursor:
            partitions, _ = cursor.adbc_execute_partitions("SELECT count(*) AS n FROM sales.orders")
            with connect(self.address, "ann") as again, again.cursor() as reader:
                reader.adbc_read_partition(partitions[0])
                self.assertGreater(reader.fetchone()[0], 0)
            with connect(self.address, "sam") as other, other.cursor() as reader:
                with self.assertRaises(Exception):
                    reader.adbc_read_partition(partitions[0])
                    reader.fetchone()

    def test_a_whole_table_arrives(self):
        with connect(self.address, "sam") as sam, sam.cursor() as cursor:
            cursor.execute("SELECT order_id, total FROM sales.orders")
            table = cursor.fetch_arrow_table().sort_by("order_id")
        raw = self.orders.select(["order_id", "total"]).sort_by("order_id")
        self.assertEqual(table.num_rows, raw.num_rows)
        self.assertEqual(table["order_id"].combine_chunks(), raw["order_id"].combine_chunks())
        self.assertEqual(pc.sum(table["total"]).as_py(), pc.sum(raw["total"]).as_py())

    def test_raw_sql_as_a_command_works_with_plain_arrow_flight(self):
        from pyarrow import flight
        client = flight.FlightClient(self.address)
        token = client.authenticate_basic_token("ann", "ann")
        options = flight.FlightCallOptions(headers=[token])
        info = client.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT 1 AS one"), options)
        reader = client.do_get(info.endpoints[0].ticket, options)
        self.assertEqual(reader.read_all().to_pylist(), [{"one": 1}])
        list(client.list_flights(options=options))
        self.assertTrue(list(client.list_actions(options)))


if __name__ == "__main__":
    warnings.simplefilter("ignore", ResourceWarning)
    unittest.main()

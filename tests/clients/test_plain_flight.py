"""Datasets of a plain Arrow Flight endpoint, which knows no SQL: pyarrow's own server, in this process."""

import tempfile
import threading
import time
import unittest
from pathlib import Path

import pyarrow as pa
import pyarrow.flight as flight
from adbc_driver_flightsql import dbapi

from processes import meshgate, serve
from test_foreign import contract

MEASURES = pa.table({
    "id": pa.array(range(1000), pa.int64()),
    "site": [["Ulm", "Bonn", None][number % 3] for number in range(1000)],
    "value": pa.array([number / 8 for number in range(1000)], pa.float64()),
    "secret": [f"SECRET {number}" for number in range(1000)],
})
SITES = pa.table({"name": ["Ulm", "Bonn", "Kiel"], "size": pa.array([3, 2, 1], pa.int64())})


class Endpoint(flight.FlightServerBase):
    """Serves measures by a path, in three endpoints, and sites by a command."""

    def __init__(self):
        super().__init__("grpc://127.0.0.1:0")
        self.fault, self.asked = None, []

    def table(self, descriptor):
        self.asked.append(descriptor)
        if descriptor.path == [b"lab", b"measures"]:
            return MEASURES, 3
        if descriptor.command == b"sites of today":
            return SITES, 1
        raise flight.FlightServerError("there is no such dataset: S3CR3T")

    def get_schema(self, context, descriptor):
        return flight.SchemaResult(self.table(descriptor)[0].schema)

    def get_flight_info(self, context, descriptor):
        table, parts = self.table(descriptor)
        name = "measures" if table is MEASURES else "sites"
        endpoints = [flight.FlightEndpoint(f"{name} {part} {parts}", []) for part in range(parts)]
        return flight.FlightInfo(table.schema, descriptor, endpoints, table.num_rows, -1)

    def do_get(self, context, ticket):
        name, part, parts = ticket.ticket.decode().split()
        table = MEASURES if name == "measures" else SITES
        rows = -(-table.num_rows // int(parts))
        table = table.slice(int(part) * rows, rows)
        if self.fault == "other type":
            table = table.set_column(0, "id", table["id"].cast(pa.string()))
        if self.fault == "missing column":
            table = table.drop_columns(["value"])
        if self.fault == "break" and part == "1":
            return flight.GeneratorStream(table.schema, self.broken(table))
        return flight.RecordBatchStream(table)

    @staticmethod
    def broken(table):
        yield table.slice(0, 10)
        raise flight.FlightServerError("S3CR3T")


class PlainFlight(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.endpoint = Endpoint()
        threading.Thread(target=cls.endpoint.serve, daemon=True).start()
        cls.place = tempfile.TemporaryDirectory()
        cls.mesh = Path(cls.place.name)
        location = f"grpc://127.0.0.1:{cls.endpoint.port}"
        server = (f"    type: custom\n    location: {location}\n    customProperties:\n      - property: meshRole\n"
                  "        value: source\n      - property: protocol\n        value: arrow-flight")
        measures = {"site": "text", "id": "bigint", "value": "double precision"}
        sites = {"name": "text", "size": "bigint"}
        files = {
            "mesh.toml": 'name = "lab"\n',
            "catalog/lab/measures.odcs.yaml": contract("lab", "measures", server, measures, "lab/measures"),
            "catalog/lab/sites.odcs.yaml": contract("lab", "sites", server, sites, '"cmd:sites of today"'),
            "catalog/lab/nothing.odcs.yaml": contract("lab", "nothing", server, sites, "lab/nothing"),
            "policies/rules.csv": "p, user:ida, lab, *, select, allow\np, user:uwe, lab, measures, select, allow\n"
                                  "p2, user:uwe, lab, measures, permissive, \"site = 'Ulm'\"\n"
                                  "p3, user:uwe, lab, measures.value, null\n",
        }
        for path, text in files.items():
            (cls.mesh / path).parent.mkdir(parents=True, exist_ok=True)
            (cls.mesh / path).write_text(text)
        for user in ["ida", "uwe"]:
            meshgate("user", "add", user, "--mesh", cls.mesh, MESHGATE_PASSWORD=user)
        cls.gateway, cls.address = serve(cls.mesh)

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()
        cls.endpoint.shutdown()
        cls.place.cleanup()

    def setUp(self):
        self.endpoint.fault = None
        self.addCleanup(setattr, self.endpoint, "fault", None)

    def ask(self, sql, user="ida"):
        with dbapi.connect(self.address, db_kwargs={"username": user, "password": user}, autocommit=True) as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()

    def test_every_endpoint_is_read_and_every_value_is_right(self):
        rows = self.ask("SELECT id, site, value FROM lab.measures ORDER BY id")
        self.assertEqual(rows, [(row["id"], row["site"], row["value"]) for row in MEASURES.to_pylist()])
        self.assertEqual(self.ask("SELECT count(*) FROM lab.measures"), [(1000,)])

    def test_filters_limits_and_joins_work_here(self):
        self.assertEqual(self.ask("SELECT count(*), sum(value) FROM lab.measures WHERE id BETWEEN 8 AND 15"), [(8, 11.5)])
        self.assertEqual(len(self.ask("SELECT id FROM lab.measures LIMIT 7")), 7)
        join = """SELECT s.name, s.size, count(m.id) FROM lab.sites s LEFT JOIN lab.measures m ON m.site = s.name
                  GROUP BY s.name, s.size ORDER BY s.name"""
        self.assertEqual(self.ask(join), [("Bonn", 2, 333), ("Kiel", 1, 0), ("Ulm", 3, 334)])

    def test_rows_and_columns_are_governed(self):
        rows = self.ask("SELECT * FROM lab.measures WHERE id < 7", "uwe")
        self.assertEqual(sorted(rows), [("Ulm", 0, None), ("Ulm", 3, None), ("Ulm", 6, None)])
        for user in ["ida", "uwe"]:
            with self.assertRaisesRegex(Exception, "secret"):
                self.ask("SELECT secret FROM lab.measures", user)
        with self.assertRaisesRegex(Exception, "does not exist"):
            self.ask("SELECT * FROM lab.sites", "uwe")

    def test_what_the_endpoint_does_wrong_is_an_error_and_tells_nothing(self):
        for fault in ["other type", "missing column", "break"]:
            self.endpoint.fault = fault
            started = time.monotonic()
            with self.assertRaisesRegex(Exception, "lab.measures") as caught:
                self.ask("SELECT sum(id), sum(value) FROM lab.measures")
            self.assertLess(time.monotonic() - started, 10, fault)
            self.assertNotIn("S3CR3T", str(caught.exception), fault)
        self.endpoint.fault = None
        self.assertEqual(self.ask("SELECT count(*) FROM lab.measures"), [(1000,)])
        with self.assertRaisesRegex(Exception, "lab.nothing") as caught:
            self.ask("SELECT * FROM lab.nothing")
        self.assertNotIn("S3CR3T", str(caught.exception))

    def test_the_endpoint_never_learns_what_is_asked(self):
        self.endpoint.asked.clear()
        self.ask("SELECT id FROM lab.measures WHERE site = 'Ulm' AND id = 3")
        self.assertTrue(all(descriptor.path == [b"lab", b"measures"] for descriptor in self.endpoint.asked))


if __name__ == "__main__":
    unittest.main()

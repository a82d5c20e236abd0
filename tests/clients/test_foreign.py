"""Foreign data: a Delta table written by Python, and a Flight SQL server that is not ours, in one statement."""

import datetime
import tempfile
import time
import unittest
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_flightsql import dbapi
from deltalake import DeltaTable, write_deltalake

from processes import eventually, meshgate, roapi, serve

# How old a snapshot may be in this mesh, in seconds.
STALENESS = 1

JOIN = """
    SELECT s.city, count(*) AS readings, sum(r.value) AS total
    FROM plant.readings r JOIN geo.sites s ON s.site_id = r.site_id
    WHERE s.active GROUP BY s.city ORDER BY s.city"""

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: {domain}-{table}
name: {table}
version: 1.0.0
status: active
domain: {domain}
team:
  members:
    - username: olga
      role: owner
servers:
  - server: source
{server}
schema:
  - name: {table}
    physicalName: {physical}
    physicalType: table
    properties:
{columns}
"""

LOGICAL = {"bigint": "integer", "text": "string", "double precision": "number", "boolean": "boolean",
           "date": "date", "timestamptz": "timestamp"}


def contract(domain, table, server, columns, physical=None):
    """Text of a contract; `physical` is what the source calls the table, where that is something else."""
    properties = "".join(
        f"      - name: {name}\n        logicalType: {LOGICAL[kind]}\n        physicalType: {kind}\n"
        for name, kind in columns.items()
    )
    physical = physical or table
    return CONTRACT.format(domain=domain, table=table, physical=physical, server=server, columns=properties.rstrip("\n"))


def readings(first, count):
    """Readings with numbers from `first` on, of ten sites and three days."""
    numbers = range(first, first + count)
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    return pa.table({
        "id": pa.array(numbers, pa.int64()),
        "site_id": pa.array([number % 10 for number in numbers], pa.int64()),
        "day": pa.array([datetime.date(2024, 1, 1 + number % 3) for number in numbers], pa.date32()),
        "at": pa.array([start + datetime.timedelta(minutes=number) for number in numbers], pa.timestamp("us", "UTC")),
        "value": pa.array([None if number % 97 == 0 else number / 4 for number in numbers], pa.float64()),
        "note": pa.array([f"note {number} äöü" for number in numbers], pa.string()),
    })


class Foreign(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.folder = Path(cls.place.name)
        cls.table = str(cls.folder / "lake" / "readings")
        for commit in range(3):
            write_deltalake(cls.table, readings(commit * 500, 500), mode="append", partition_by=["day"])
        cls.sites = pa.table({
            "site_id": pa.array(range(10), pa.int64()),
            "city": [["Ulm", "Bonn", "Kiel"][number % 3] for number in range(10)],
            "active": [number != 4 for number in range(10)],
            "secret": [f"S{number}" for number in range(10)],
        })
        pq.write_table(cls.sites, cls.folder / "sites.parquet")
        cls.roapi, location = roapi({"sites": cls.folder / "sites.parquet"})
        cls.write_mesh(location)
        cls.gateway, cls.address = serve(cls.folder / "mesh")
        cls.connection = cls.connect("ida")

    @classmethod
    def tearDownClass(cls):
        cls.connection.close()
        cls.gateway.stop()
        cls.roapi.stop()
        cls.place.cleanup()

    @classmethod
    def write_mesh(cls, location):
        def write(path, text):
            file = cls.folder / "mesh" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

        write("mesh.toml", f'name = "factory"\n\n[cache]\nsnapshot_max_age = "{STALENESS}s"\n')
        role = "    customProperties:\n      - property: meshRole\n        value: source"
        write("catalog/plant/readings.odcs.yaml", contract(
            "plant", "readings", f"    type: local\n    path: {cls.table}\n    format: delta\n{role}",
            {"id": "bigint", "site_id": "bigint", "day": "date", "at": "timestamptz", "value": "double precision",
             "note": "text"}))
        flight = f"{role}\n      - property: protocol\n        value: arrow-flight-sql"
        write("catalog/geo/sites.odcs.yaml", contract(
            "geo", "sites", f"    type: custom\n    location: grpc://{location}\n{flight}",
            {"site_id": "bigint", "city": "text", "active": "boolean"}))
        write("policies/rules.csv",
              "p, user:ida, plant, readings, select, allow\np, user:ida, geo, sites, select, allow\n"
              "p, user:uwe, plant, readings, select, allow\np2, user:uwe, plant, readings, permissive, \"site_id < 3\"\n"
              "p, user:uwe, geo, sites, select, allow\np2, user:uwe, geo, sites, permissive, \"city = attribute('city')\"\n")
        meshgate("user", "add", "ida", "--mesh", cls.folder / "mesh", MESHGATE_PASSWORD="ida")
        meshgate("user", "add", "uwe", "--mesh", cls.folder / "mesh", "--attribute", "city=Ulm", MESHGATE_PASSWORD="uwe")
        meshgate("check", "--mesh", cls.folder / "mesh", "--online")

    @classmethod
    def connect(cls, user):
        return dbapi.connect(cls.address, db_kwargs={"username": user, "password": user}, autocommit=True)

    def ask(self, sql, connection=None):
        with (connection or self.connection).cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def expected(self, keep=lambda reading, site: True):
        """The answer to JOIN, computed without SQL from what Python reads from the raw files."""
        sites = {row["site_id"]: row for row in self.sites.to_pylist()}
        counts, totals = defaultdict(int), defaultdict(float)
        for row in DeltaTable(self.table).to_pyarrow_table().to_pylist():
            site = sites[row["site_id"]]
            if site["active"] and keep(row, site):
                counts[site["city"]] += 1
                totals[site["city"]] += row["value"] or 0
        return [(city, counts[city], totals[city]) for city in sorted(counts)]

    def test_1_one_statement_joins_both(self):
        self.assertEqual(self.ask(JOIN), self.expected())

    def test_2_another_reader_sees_his_rows_only(self):
        with self.connect("uwe") as uwe:
            expected = self.expected(lambda reading, site: reading["site_id"] < 3 and site["city"] == "Ulm")
            self.assertEqual(self.ask(JOIN, uwe), expected)
            self.assertEqual(self.ask("SELECT DISTINCT city FROM geo.sites", uwe), [("Ulm",)])

    def test_3_every_value_is_pythons_value(self):
        rows = self.ask("SELECT id, site_id, day, \"at\", value, note FROM plant.readings ORDER BY id")
        raw = DeltaTable(self.table).to_pyarrow_table().sort_by("id").to_pylist()
        self.assertEqual(rows, [tuple(row[name] for name in ["id", "site_id", "day", "at", "value", "note"]) for row in raw])

    def test_4_columns_outside_the_contract_do_not_exist(self):
        with self.assertRaisesRegex(Exception, "secret"):
            self.ask("SELECT secret FROM geo.sites")

    def test_5_filters_of_every_kind_agree_on_both_sources(self):
        for where, count in {
            "site_id = 3": 1, "site_id <> 3": 9, "site_id IN (1, 2, 77)": 2, "site_id BETWEEN 2 AND 4": 3,
            "city LIKE 'U%'": 4, "city NOT LIKE '%l'": 7, "active": 9, "NOT active": 1, "city IS NULL": 0,
            "site_id = 99": 0, "city = 'Ulm' OR site_id = 1": 5, "upper(city) = 'ULM'": 4,
        }.items():
            self.assertEqual(self.ask(f"SELECT count(*) FROM geo.sites WHERE {where}"), [(count,)], where)
            self.assertEqual(len(self.ask(f"SELECT site_id, city FROM geo.sites WHERE {where}")), count, where)
        self.assertEqual(self.ask("SELECT count(*) FROM plant.readings WHERE day = DATE '2024-01-02'"), [(500,)])

    def test_6_appended_rows_are_seen_within_the_bound(self):
        before = self.ask("SELECT count(*) FROM plant.readings")[0][0]
        for _ in range(2):
            write_deltalake(self.table, readings(before, 300), mode="append")
            written = time.monotonic()
            before += 300
            eventually("the appended rows", STALENESS + 4, lambda: (
                True if self.ask("SELECT count(*) FROM plant.readings") == [(before,)] else None))
            self.assertLess(time.monotonic() - written, STALENESS + 4)
        self.assertEqual(self.ask(JOIN), self.expected())

    def test_7_deleted_rows_are_gone_and_compaction_changes_nothing(self):
        table = DeltaTable(self.table)
        table.delete("id < 100")
        left = DeltaTable(self.table).to_pyarrow_table().num_rows
        eventually("the deletion", STALENESS + 4, lambda: (
            True if self.ask("SELECT count(*), min(id) FROM plant.readings") == [(left, 100)] else None))
        DeltaTable(self.table).optimize.compact()
        DeltaTable(self.table).create_checkpoint()
        write_deltalake(self.table, readings(10_000, 10), mode="append")
        eventually("the rows after the checkpoint", STALENESS + 4, lambda: (
            True if self.ask("SELECT count(*) FROM plant.readings") == [(left + 10,)] else None))
        self.assertEqual(self.ask(JOIN), self.expected())

    def test_8_a_dead_server_is_named_and_the_rest_goes_on(self):
        count = self.ask("SELECT count(*) FROM plant.readings")
        self.roapi.kill()
        started = time.monotonic()
        with self.assertRaisesRegex(Exception, "(?s)(?i)unavailable.*geo.sites|geo.sites.*unavailable"):
            self.ask(JOIN)
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual(self.ask("SELECT count(*) FROM plant.readings"), count)
        # What there is does not depend on who answers: tools list everything when they connect.
        tree = str(self.connection.adbc_get_objects(depth="all").read_all().to_pylist())
        self.assertTrue("'readings'" in tree and "'city'" in tree)


if __name__ == "__main__":
    unittest.main()

"""A small shop's mesh behind TLS, the same for every client: its data, its rules, and its one gateway."""

import atexit
import datetime
import decimal
import functools
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import trustme
from deltalake import write_deltalake

from processes import MESHGATE, Process, meshgate

ORDERS = 3_000
USERS = {"ann": "ann", "sam": "sam", "eve": "eve", "ab": "c", "val": "val"}

# Ann sees the shipped and placed orders of her region, no margin, and masked addresses; Sam sees everything.
# `ab` with password `c`: what encodes to Base64 that needs padding. `val` sees what ADBC's own validation wants there.
POLICIES = """\
p,  user:ann, sales, *,             select, allow
p,  user:ann, sales, orders.margin, select, deny
p2, user:ann, sales, orders,        permissive,  "region = attribute('region')"
p2, user:ann, sales, orders,        restrictive, "status <> 'draft'"
p3, user:ann, sales, orders.email,  mask_alphanum
p,  user:ann, types, *,             select, allow
p2, user:ann, types, values,        permissive,  "id <> 2"
p,  user:ann, insights, *,          select, allow
p,  user:sam, sales, *,             select, allow
p,  user:sam, types, *,             select, allow
p,  user:sam, insights, *,          select, allow
p,  user:sam, parts, *,             select, allow
p,  user:ab,  sales, customers,     select, allow
p,  user:val, conformance, *,       select, allow
"""

UTC = datetime.timezone.utc
LOGICAL = {"bigint": "integer", "integer": "integer", "smallint": "integer", "text": "string", "bytea": "string",
           "boolean": "boolean", "date": "date", "timestamptz": "timestamp", "timestamp": "timestamp"}


def orders():
    """Orders with numbers from 1 on: every value follows from the number."""
    numbers = range(1, ORDERS + 1)
    start = datetime.datetime(2024, 1, 1, tzinfo=UTC)
    money = pa.decimal128(12, 2)
    return pa.table({
        "order_id": pa.array(numbers, pa.int64()),
        "customer_id": pa.array([number % 100 + 1 for number in numbers], pa.int64()),
        "order_date": pa.array([datetime.date(2024, 1, 1 + number % 31) for number in numbers], pa.date32()),
        "order_ts": pa.array([start + datetime.timedelta(minutes=number) for number in numbers], pa.timestamp("us", "UTC")),
        "region": [("EU", "US", "APAC")[number % 3] for number in numbers],
        "status": [("draft", "placed", "shipped", "shipped")[number % 4] for number in numbers],
        "total": pa.array([decimal.Decimal(number * 7 % 10_007) / 100 for number in numbers], money),
        "margin": pa.array([decimal.Decimal(number % 501) / 100 for number in numbers], money),
        "email": [None if number % 10 == 0 else f"c{number % 100 + 1}@shop.example" for number in numbers],
    })


def customers():
    """The customers that orders belong to."""
    numbers = range(1, 101)
    return pa.table({
        "customer_id": pa.array(numbers, pa.int64()),
        "name": [f"Kundin {number} äöü 東京" for number in numbers],
        "newsletter": [None if number % 7 == 0 else number % 2 == 0 for number in numbers],
    })


def values():
    """One column for each type that a contract can name; edges in rows 1 and 2, NULL in row 3, emptiness in row 4."""
    point = pa.struct([("x", pa.int32()), ("label", pa.string())])
    day, moment, exact = datetime.date, datetime.datetime, decimal.Decimal
    columns = {
        "id": (pa.int64(), [1, 2, 3, 4]),
        "truth": (pa.bool_(), [True, False, None, True]),
        "tiny": (pa.int8(), [127, -128, None, 0]),
        "small": (pa.int16(), [32_767, -32_768, None, 0]),
        "whole": (pa.int32(), [2**31 - 1, -2**31, None, 0]),
        "big": (pa.int64(), [2**63 - 1, -2**63, None, 0]),
        "single": (pa.float32(), [1.5, -0.25, None, 0.0]),
        "double": (pa.float64(), [1.7976931348623157e308, float("nan"), None, -0.0]),
        "money": (pa.decimal128(9, 2), [exact("9999999.99"), exact("-9999999.99"), None, exact("0.00")]),
        "long_decimal": (pa.decimal128(38, 10),
                         [exact("9" * 28 + "." + "9" * 10), exact("-0.0000000001"), None, exact("0.0000000000")]),
        "words": (pa.string(), ["äöü 東京 🦀 'quoted' \"twice\"", "line\nbreak\ttab", None, ""]),
        "octets": (pa.binary(), [bytes(range(256)), b"\x00", None, b""]),
        "day": (pa.date32(), [day(2024, 2, 29), day(1582, 10, 15), None, day(1970, 1, 1)]),
        "moment": (pa.timestamp("us", "UTC"),
                   [moment(2024, 2, 29, 23, 59, 59, 999_999, UTC), moment(1901, 12, 13, 20, 45, 52, tzinfo=UTC), None,
                    moment(1970, 1, 1, tzinfo=UTC)]),
        "wall_clock": (pa.timestamp("us"), [moment(2024, 3, 31, 2, 30, 0, 1), moment(1901, 12, 13), None, moment(1970, 1, 1)]),
        "numbers": (pa.list_(pa.int32()), [[1, None, 3], [-1], None, []]),
        "point": (point, [{"x": 1, "label": "a"}, {"x": None, "label": None}, None, {"x": 0, "label": ""}]),
        "points": (pa.list_(point), [[{"x": 1, "label": "a"}, None], [], None, [{"x": None, "label": "b"}]]),
    }
    return pa.table({name: pa.array(rows, kind) for name, (kind, rows) in columns.items()})


def conformance(numbers):
    """A table that the validation suite of ADBC would create if it could; `numbers` is the name of its first column."""
    return pa.table({numbers: pa.array([42, -42, None], pa.int64()), "strings": ["foo", None, ""]})


def column(name, kind, *keys, **more):
    """A column of a contract."""
    facts = {"name": name, "logicalType": LOGICAL.get(kind, "number"), "physicalType": kind,
             "description": f"The {name} of it.", **more}
    if "required" in keys:
        facts["required"] = True
    if "key" in keys:
        facts |= {"required": True, "primaryKey": True, "primaryKeyPosition": 1}
    return facts


POINT = {"logicalType": "object", "properties": [
    {"name": "x", "physicalType": "integer", "logicalType": "integer"},
    {"name": "label", "physicalType": "text", "logicalType": "string"}]}

COLUMNS = {
    "sales.orders": [
        column("order_id", "bigint", "key"), column("customer_id", "bigint", "required"), column("order_date", "date"),
        column("order_ts", "timestamptz"), column("region", "text", "required"), column("status", "text", "required"),
        column("total", "numeric(12,2)"), column("margin", "numeric(12,2)"), column("email", "text")],
    "parts.orders": [column("order_id", "bigint", "key"), column("region", "text")],
    "sales.customers": [
        column("customer_id", "bigint", "key"), column("name", "text", "required"), column("newsletter", "boolean")],
    "types.values": [
        column("id", "bigint", "key"), column("truth", "boolean"), column("tiny", "smallint"),
        column("small", "smallint"), column("whole", "integer"), column("big", "bigint"), column("single", "real"),
        column("double", "double precision"), column("money", "numeric(9,2)"),
        column("long_decimal", "numeric(38,10)"), column("words", "text"), column("octets", "bytea"),
        column("day", "date"), column("moment", "timestamptz"), column("wall_clock", "timestamp"),
        {"name": "numbers", "logicalType": "array", "items": {"physicalType": "integer", "logicalType": "integer"}},
        {"name": "point", **POINT}, {"name": "points", "logicalType": "array", "items": POINT}],
    "conformance.sample_test": [column("ints", "bigint"), column("strings", "text")],
    "conformance.bulk_ingest": [column("int64s", "bigint"), column("strings", "text")],
    "insights.regions": [column("region", "text"), column("orders", "bigint")],
}
VIEW = "SELECT region, count(*) AS orders FROM sales.orders GROUP BY region"


def contract(table, server):
    """Text of a contract. JSON is YAML."""
    domain, name = table.split(".")
    role = {"property": "meshRole", "value": "source"}
    server["customProperties"] = [role, *server.get("customProperties", [])]
    return json.dumps({
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": f"shop-{domain}-{name}", "name": name,
        "version": "1.0.0", "status": "active", "domain": domain,
        "team": {"name": domain, "members": [{"username": "sam", "role": "owner"}]},
        "servers": [{"server": "source", **server}],
        "schema": [{"name": name, "physicalType": "view" if "query" in str(server) else "table",
                    "properties": COLUMNS[table]}],
    }, indent=1)


def write(folder):
    """Writes the mesh, with an authority that vouches for the server and for one client."""
    def file(path, text):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)

    tables = {"sales.orders": orders(), "sales.customers": customers(), "types.values": values(),
              "parts.orders": orders().select(["order_id", "region"]),
              "conformance.sample_test": conformance("ints"), "conformance.bulk_ingest": conformance("int64s")}
    for name, rows in tables.items():
        path = str(folder / "lake" / name)
        # The table whose results are divided has several files.
        for part in range(6 if name == "parts.orders" else 1):
            size = rows.num_rows // (6 if name == "parts.orders" else 1)
            write_deltalake(path, rows.slice(part * size, size), mode="append")
        place = name.replace(".", "/")
        file(f"catalog/{place}.odcs.yaml", contract(name, {"type": "local", "path": path, "format": "delta"}))
    view = [{"property": "protocol", "value": "mesh-sql"}, {"property": "query", "value": VIEW}]
    file("catalog/insights/regions.odcs.yaml",
         contract("insights.regions", {"type": "custom", "customProperties": view}))
    file("policies/rules.csv", POLICIES)
    file("mesh.toml", 'name = "shop"\n\n[tls]\ncert = "tls/server.pem"\nkey = "tls/server.key"\n')
    for user, password in USERS.items():
        region = ["--attribute", "region=EU"] if user == "ann" else []
        meshgate("user", "add", user, "--mesh", folder, *region, MESHGATE_PASSWORD=password)
    authority = trustme.CA()
    (folder / "tls").mkdir()
    authority.cert_pem.write_to_path(str(folder / "tls" / "ca.pem"))
    for name, certificate in {"server": authority.issue_cert("localhost", "127.0.0.1"),
                              "client": authority.issue_cert("client@shop.example")}.items():
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(str(folder / "tls" / f"{name}.pem"), append=True)
        certificate.private_key_pem.write_to_path(str(folder / "tls" / f"{name}.key"))


class Gateway:
    """A gateway that serves the shop."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.authority = self.folder / "tls" / "ca.pem"
        listen = ["--flight", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        self.process = Process(MESHGATE, "serve", "--mesh", folder, *listen)
        found = self.process.wait_for(r"^flight grpc\+tls://127\.0\.0\.1:(\d+)")
        self.port = int(found.group(1))
        self.uri = f"grpc+tls://localhost:{self.port}"

    def environment(self):
        """What a client in another program is told."""
        return {"SHOP_PORT": str(self.port), "SHOP_AUTHORITY": str(self.authority),
                "SHOP_QUERIES": str(Path(__file__).with_name("queries.json"))}

    def pem(self, name):
        """A file of the folder `tls`."""
        return (self.folder / "tls" / name).read_bytes()


@functools.cache
def gateway():
    """The gateway of this run."""
    place = tempfile.TemporaryDirectory()
    folder = Path(place.name) / "shop"
    folder.mkdir()
    write(folder)
    meshgate("check", "--mesh", folder, "--online")
    served = Gateway(folder)
    atexit.register(place.cleanup)
    atexit.register(served.process.stop)
    return served

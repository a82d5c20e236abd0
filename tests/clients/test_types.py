"""Values of every type, through ADBC and through pyarrow.flight: `types.values`, and types that only expressions have."""

import datetime
import decimal
import unittest

import pyarrow as pa
from pyarrow import flight

from shop import gateway, values
from test_adbc import connect

# What is sent, and its first value. Views, dictionaries and large types leave as their plain types.
EXPRESSIONS = {
    "arrow_cast(18446744073709551615, 'UInt64')": (pa.uint64(), 2**64 - 1),
    "arrow_cast(4294967295, 'UInt32')": (pa.uint32(), 2**32 - 1),
    "arrow_cast(-128, 'Int8')": (pa.int8(), -128),
    "arrow_cast('23:59:59.999999', 'Time64(Microsecond)')": (pa.time64("us"), datetime.time(23, 59, 59, 999_999)),
    "arrow_cast('23:59:59', 'Time64(Nanosecond)')": (pa.time64("ns"), datetime.time(23, 59, 59)),
    "arrow_cast('12:34:56', 'Time32(Second)')": (pa.time32("s"), datetime.time(12, 34, 56)),
    "INTERVAL '1 month 2 days 3 hours'": (pa.month_day_nano_interval(), pa.MonthDayNano((1, 2, 10_800_000_000_000))),
    "arrow_cast(90, 'Duration(Second)')": (pa.duration("s"), datetime.timedelta(seconds=90)),
    "arrow_cast(90, 'Duration(Microsecond)')": (pa.duration("us"), datetime.timedelta(microseconds=90)),
    "arrow_cast('large', 'LargeUtf8')": (pa.string(), "large"),
    "arrow_cast('view', 'Utf8View')": (pa.string(), "view"),
    "arrow_cast('word', 'Dictionary(Int32, Utf8)')": (pa.string(), "word"),
    "arrow_cast('word', 'LargeBinary')": (pa.binary(), b"word"),
    "arrow_cast('word', 'BinaryView')": (pa.binary(), b"word"),
    "make_array(arrow_cast('view', 'Utf8View'))": (pa.list_(pa.string()), ["view"]),
    "arrow_cast(make_array(1, 2), 'LargeList(Int32)')": (pa.list_(pa.int32()), [1, 2]),
    "arrow_cast(make_array(1, 2), 'FixedSizeList(2, Int32)')": (pa.list_(pa.int32(), 2), [1, 2]),
    "map(['a', 'b'], [1, NULL])": (pa.map_(pa.string(), pa.int64()), [("a", 1), ("b", None)]),
    "named_struct('a', 1, 'b', arrow_cast('view', 'Utf8View'))":
        (pa.struct({"a": pa.int64(), "b": pa.string()}), {"a": 1, "b": "view"}),
    "arrow_cast('2024-03-31T01:30:00', 'Timestamp(Second, None)')": (pa.timestamp("s"), datetime.datetime(2024, 3, 31, 1, 30)),
    "arrow_cast('2024-03-31T01:30:00', 'Timestamp(Nanosecond, Some(\"Europe/Berlin\"))')":
        (pa.timestamp("ns", "Europe/Berlin"), datetime.datetime(2024, 3, 31, 0, 30, tzinfo=datetime.timezone.utc)),
    "arrow_cast('2024-02-29', 'Date64')": (pa.date64(), datetime.date(2024, 2, 29)),
    "arrow_cast('1.5', 'Decimal256(50, 3)')": (pa.decimal256(50, 3), decimal.Decimal("1.500")),
    # Types that Java, or pyarrow's own values, do not have.
    "arrow_cast(1.5, 'Float16')": (pa.float32(), 1.5),
    "arrow_cast('1.5', 'Decimal32(5, 1)')": (pa.decimal128(5, 1), decimal.Decimal("1.5")),
    "arrow_cast('1.5', 'Decimal64(10, 1)')": (pa.decimal128(10, 1), decimal.Decimal("1.5")),
    "arrow_cast('1 month', 'Interval(YearMonth)')": (pa.month_day_nano_interval(), pa.MonthDayNano((1, 0, 0))),
    "arrow_cast('1 day', 'Interval(DayTime)')": (pa.month_day_nano_interval(), pa.MonthDayNano((0, 1, 0))),
    "NULL": (pa.null(), None),
}


def plain_flight(sql):
    """A table by pyarrow.flight alone."""
    with flight.FlightClient(gateway().uri, tls_root_certs=gateway().pem("ca.pem")) as client:
        options = flight.FlightCallOptions(headers=[client.authenticate_basic_token("sam", "sam")])
        info = client.get_flight_info(flight.FlightDescriptor.for_command(sql.encode()), options)
        return client.do_get(info.endpoints[0].ticket, options).read_all()


def adbc(sql):
    """A table by ADBC."""
    with connect("sam") as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetch_arrow_table()


def bare(kind):
    """A type without the names and nullability of the items inside of lists and maps, which engines choose."""
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(bare(kind.value_type), kind.list_size)
    if pa.types.is_list(kind):
        return pa.list_(bare(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, bare(field.type)) for field in kind])
    return pa.map_(bare(kind.key_type), bare(kind.item_type)) if pa.types.is_map(kind) else kind


class Types(unittest.TestCase):
    def test_a_table_of_every_type(self):
        expected = values()
        for read in [plain_flight, adbc]:
            with self.subTest(client=read.__name__):
                table = read("SELECT * FROM types.values ORDER BY id")
                self.assertEqual(table.column_names, expected.column_names)
                for name in expected.column_names:
                    # No contract can name a type of one byte.
                    kind = pa.int16() if name == "tiny" else expected[name].type
                    self.assertEqual(bare(table[name].type), bare(kind), name)
                    self.assertEqual(repr(table[name].to_pylist()), repr(expected[name].cast(kind).to_pylist()), name)

    def test_types_that_only_expressions_have(self):
        for sql, (kind, value) in EXPRESSIONS.items():
            # One by one; NULL is the second row.
            sql = f"SELECT CASE WHEN n = 1 THEN {sql} END AS x FROM (VALUES (1), (2)) AS t (n) ORDER BY n"
            for read in [plain_flight, adbc]:
                with self.subTest(expression=sql, client=read.__name__):
                    column = read(sql)["x"]
                    self.assertEqual(bare(column.type), kind)
                    self.assertEqual(column.to_pylist(), [value, None])

    def test_all_of_them_in_one_result(self):
        sql = ", ".join(f"{sql} AS x{place}" for place, sql in enumerate(EXPRESSIONS))
        for read in [plain_flight, adbc]:
            with self.subTest(client=read.__name__):
                [row] = read(f"SELECT {sql}").to_pylist()
                self.assertEqual(list(row.values()), [value for _, value in EXPRESSIONS.values()])


if __name__ == "__main__":
    unittest.main()

"""pandas and polars, reading through ADBC."""

import datetime
import decimal
import unittest

import pandas
import polars
import pyarrow as pa

from shop import orders, values
from test_adbc import connect

SQL = "SELECT * FROM sales.orders ORDER BY order_id"
FLAT = [name for name, kind in zip(values().schema.names, values().schema.types) if not pa.types.is_nested(kind)]


class Frames(unittest.TestCase):
    def setUp(self):
        self.ann, self.sam = self.enterContext(connect("ann")), self.enterContext(connect("sam"))

    def test_pandas_reads_what_arrow_says(self):
        frame = pandas.read_sql(SQL, self.sam)
        pandas.testing.assert_frame_equal(frame, orders().to_pandas(), check_dtype=False)
        kinds = {name: str(kind) for name, kind in pandas.read_sql(SQL, self.sam, dtype_backend="pyarrow").dtypes.items()}
        self.assertEqual(kinds["order_id"], "int64[pyarrow]")
        self.assertEqual(kinds["order_date"], "date32[day][pyarrow]")
        self.assertEqual(kinds["order_ts"], "timestamp[us, tz=UTC][pyarrow]")
        self.assertEqual(kinds["total"], "decimal128(12, 2)[pyarrow]")
        self.assertEqual(kinds["region"], "string[pyarrow]")

    def test_pandas_sees_what_the_reader_may_see(self):
        frame = pandas.read_sql(SQL, self.ann)
        self.assertEqual((len(frame), "margin" in frame.columns, set(frame["region"])), (750, False, {"EU"}))

    def test_pandas_groups_as_the_gateway_does(self):
        frame = pandas.read_sql(SQL, self.sam).groupby("region")["total"].sum()
        told = pandas.read_sql("SELECT region, sum(total) AS total FROM sales.orders GROUP BY region", self.sam)
        self.assertEqual(dict(zip(told["region"], told["total"])), frame.to_dict())

    def test_polars_reads_what_arrow_says(self):
        frame = polars.read_database(SQL, self.sam)
        self.assertEqual(frame.schema["order_id"], polars.Int64)
        self.assertEqual(frame.schema["order_date"], polars.Date)
        self.assertEqual(frame.schema["order_ts"], polars.Datetime("us", "UTC"))
        self.assertEqual(frame.schema["total"], polars.Decimal(12, 2))
        self.assertEqual(frame.schema["region"], polars.String)
        self.assertEqual(frame.rows(), polars.from_arrow(orders()).rows())

    def test_polars_with_parameters_and_in_batches(self):
        frame = polars.read_database("SELECT order_id FROM sales.orders WHERE order_id < ? ORDER BY 1", self.ann,
                                     execute_options={"parameters": [10]})
        self.assertEqual(frame["order_id"].to_list(), [3, 6, 9])
        batches = list(polars.read_database("SELECT value FROM generate_series(1, 100000)", self.sam, iter_batches=True,
                                            batch_size=10_000))
        self.assertEqual(sum(batch["value"].sum() for batch in batches), 5_000_050_000)

    def test_polars_reads_nested_values(self):
        frame = polars.read_database("SELECT numbers, point, points, words FROM types.values ORDER BY id", self.sam)
        self.assertEqual(frame["numbers"].to_list(), [[1, None, 3], [-1], None, []])
        self.assertEqual(frame["point"].to_list()[0], {"x": 1, "label": "a"})
        self.assertEqual(frame["points"].to_list()[0], [{"x": 1, "label": "a"}, None])

    def test_edges_survive_both(self):
        sql = f"SELECT {', '.join(FLAT)} FROM types.values ORDER BY id"
        for rows in [pandas.read_sql(sql, self.sam, dtype_backend="pyarrow").to_dict("records"),
                     polars.read_database(sql, self.sam).to_dicts()]:
            self.assertEqual(rows[0]["long_decimal"], decimal.Decimal("9" * 28 + "." + "9" * 10))
            self.assertEqual(rows[0]["big"], 2**63 - 1)
            self.assertEqual(rows[0]["words"], values()["words"][0].as_py())
            self.assertEqual(rows[0]["octets"], bytes(range(256)))
            self.assertEqual(rows[1]["day"], datetime.date(1582, 10, 15))
            self.assertEqual(rows[0]["moment"], values()["moment"][0].as_py())
            self.assertEqual(rows[1]["wall_clock"], datetime.datetime(1901, 12, 13))
            self.assertTrue(all(rows[2][name] is None or rows[2][name] is pandas.NA or rows[2][name] is pandas.NaT
                                for name in FLAT if name != "id"), rows[2])


if __name__ == "__main__":
    unittest.main()

"""Substrait plans through ADBC: they give what SQL gives, or are refused, as the gateway says of itself."""

import unittest

import pyarrow as pa
from adbc_driver_manager import NotSupportedError
from google.protobuf import json_format
from substrait.plan_pb2 import Plan

from test_adbc import connect

# The code of ADBC's GetInfo that says whether plans are taken.
VENDOR_SUBSTRAIT = 4


def scan(*columns):
    """The bytes of a plan that reads these text columns of sales.orders."""
    text = {"string": {"nullability": "NULLABILITY_NULLABLE"}}
    schema = {"names": columns, "struct": {"types": [text] * len(columns), "nullability": "NULLABILITY_REQUIRED"}}
    read = {"common": {"direct": {}}, "baseSchema": schema, "namedTable": {"names": ["sales", "orders"]}}
    plan = {"version": {"minorNumber": 63}, "relations": [{"root": {"names": columns, "input": {"read": read}}}]}
    return json_format.ParseDict(plan, Plan()).SerializeToString()


class Substrait(unittest.TestCase):
    def setUp(self):
        self.ann = self.enterContext(connect("ann"))
        info = pa.RecordBatchReader.from_stream(self.ann.adbc_connection.get_info([VENDOR_SUBSTRAIT])).read_all()
        [self.taken] = info["info_value"].to_pylist()
        self.assertIn(self.taken, [True, False])

    def run_plan(self, plan, prepared):
        with self.ann.cursor() as cursor:
            cursor.adbc_statement.set_substrait_plan(plan)
            if prepared:
                cursor.adbc_statement.prepare()
            stream, _ = cursor.adbc_statement.execute_query()
            return pa.RecordBatchReader.from_stream(stream).read_all()

    def test_plans(self):
        for prepared in [False, True]:
            with self.subTest(prepared=prepared):
                if not self.taken:
                    with self.assertRaisesRegex(NotSupportedError, "Substrait"):
                        self.run_plan(scan("region", "status"), prepared)
                    continue
                table = self.run_plan(scan("region", "status"), prepared)
                self.assertEqual((table.num_rows, table.column_names), (750, ["region", "status"]))
                self.assertEqual(set(table["region"].to_pylist()), {"EU"})
                # What is hidden or is no plan is told, in whichever words.
                for bad in [scan("margin"), b"\xff\xff"]:
                    with self.assertRaises(Exception) as raised:
                        self.run_plan(bad, prepared)
                    self.assertNotIsInstance(raised.exception, NotSupportedError)

    def test_a_plan_is_no_update(self):
        with self.ann.cursor() as cursor, self.assertRaises(Exception):
            cursor.adbc_statement.set_substrait_plan(scan("region"))
            cursor.adbc_statement.execute_update()


if __name__ == "__main__":
    unittest.main()

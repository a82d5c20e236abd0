"""Spark, reading through JDBC. Needs an environment of its own: it is large.

Started by test_spark.py, which says in the environment where the gateway and the driver are.
"""

import decimal
import os
import re
import unittest
import urllib.parse

from pyspark.sql import SparkSession
from pyspark.sql import functions as sql

import queries

DRIVER = os.environ["MESHGATE_JDBC_DRIVER"]

# Spark's JDBC knows no TIMESTAMP WITH TIME ZONE, and fails on a table that has one; unless moments come in UTC.
ORDERS = """(SELECT order_id, customer_id, order_date, CAST(order_ts AS timestamp) AS order_ts, region, status, total, email
             FROM sales.orders) AS orders"""


def source(user):
    """The options that say where the gateway is, and who asks."""
    properties = urllib.parse.urlencode({"user": user, "password": user, "tlsRootCerts": os.environ["SHOP_AUTHORITY"]})
    return {"url": f"jdbc:arrow-flight-sql://localhost:{os.environ['SHOP_PORT']}/?{properties}",
            "driver": "org.apache.arrow.driver.jdbc.ArrowFlightJdbcDriver"}


def whole(row):
    """A row with its whole numbers as such: Spark takes those of this driver for decimals, as if they had no sign."""
    return [int(cell) if isinstance(cell, decimal.Decimal) and cell.as_tuple().exponent == 0 else cell for cell in row]


class Spark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        flags = "--add-opens=java.base/java.nio=ALL-UNNAMED -Duser.timezone=UTC"
        cls.spark = (
            SparkSession.builder.master("local[2]").appName("shop").config("spark.jars", DRIVER)
            .config("spark.driver.extraClassPath", DRIVER).config("spark.driver.extraJavaOptions", flags).config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "2")
            .config("spark.log.level", "ERROR").getOrCreate())

    @classmethod
    def tearDownClass(cls):
        cls.spark.stop()

    def read(self, user, **options):
        """A reader as `user`."""
        return self.spark.read.format("jdbc").options(**source(user), **options).load()

    def test_shared_queries(self):
        # Each becomes a sub-query: it must be one, and on one line.
        asked = [query for query in queries.QUERIES
                 if query["sql"].startswith(("SELECT", "WITH")) and "parameters" not in query and "--" not in query["sql"]]
        self.assertGreater(len(asked), 15)
        for user in ["ann", "sam"]:
            for query in asked:
                with self.subTest(query=query["name"], user=user):
                    rows, error = queries.expected(query, user)
                    # What has no type, Spark cannot read.
                    statement = query["sql"].replace("NULL AS nothing", "CAST(NULL AS text) AS nothing")
                    if error:
                        with self.assertRaisesRegex(Exception, re.escape(error["text"])):
                            self.read(user, query=statement).collect()
                    else:
                        # A sub-query keeps no order.
                        found = queries.plain(map(whole, self.read(user, query=statement).collect()))
                        self.assertEqual(sorted(found, key=repr), sorted(rows, key=repr))

    def test_the_parts_make_the_whole(self):
        for user, count in [("ann", 750), ("sam", 3_000)]:
            once = self.read(user, dbtable=ORDERS)
            parts = self.read(user, dbtable=ORDERS, partitionColumn="order_id", lowerBound="1", upperBound="3000",
                              numPartitions="3")
            self.assertEqual(parts.rdd.getNumPartitions(), 3)
            facts = [sql.count("*"), sql.sum("order_id"), sql.sum("total"), sql.countDistinct("order_id")]
            self.assertEqual(parts.agg(*facts).collect(), once.agg(*facts).collect())
            self.assertEqual(once.count(), count)

    def test_parts_by_day_and_by_moment(self):
        for column, bounds in {"order_date": ("2024-01-01", "2024-02-01"),
                               "order_ts": ("2024-01-01 00:00:00", "2024-01-04 00:00:00")}.items():
            with self.subTest(column=column):
                parts = self.read("sam", dbtable=ORDERS, partitionColumn=column, lowerBound=bounds[0],
                                  upperBound=bounds[1], numPartitions="3")
                self.assertEqual((parts.rdd.getNumPartitions(), parts.count()), (3, 3_000))

    def test_filters_and_limits_are_pushed_down_and_right(self):
        orders = self.read("sam", dbtable=ORDERS)
        for condition, count in {"region = 'EU' AND order_id > 10": 997, "email IS NULL": 300, "region IN ('EU', 'US')": 2_000,
                                 "status LIKE 'ship%'": 1_500, "order_date = DATE'2024-01-04'": 97,
                                 "order_ts < TIMESTAMP'2024-01-02 00:00:00'": 1_439, "total > 50.00": None,
                                 "email = 'it''s \"quoted\"'": 0}.items():
            with self.subTest(condition=condition):
                found = orders.where(condition)
                if count is None:
                    count = sum(row["total"] > 50 for row in orders.collect())
                self.assertEqual(found.count(), count)
        self.assertEqual(len(orders.limit(7).collect()), 7)
        self.assertEqual([row[0] for row in orders.orderBy("order_id").select("order_id").limit(3).collect()], [1, 2, 3])
        pushed = self.read("sam", dbtable=ORDERS, pushDownAggregate="true", pushDownLimit="true").groupBy("region").count()
        self.assertEqual({row["region"]: row["count"] for row in pushed.collect()}, {"EU": 1_000, "US": 1_000, "APAC": 1_000})

    def test_types(self):
        # Spark's JDBC has no type for structs and lists of this driver.
        names = "id, truth, tiny, small, whole, big, single, double, money, words, octets, day, wall_clock"
        names += ", CAST(moment AS timestamp) AS moment"
        rows = self.read("sam", query=f"SELECT {names} FROM types.values").orderBy("id").collect()
        self.assertEqual((rows[0]["big"], rows[1]["big"], rows[2]["big"]), (2**63 - 1, -2**63, None))
        self.assertEqual(rows[0]["money"], decimal.Decimal("9999999.99"))
        self.assertEqual(rows[0]["words"], "äöü 東京 🦀 'quoted' \"twice\"")
        self.assertEqual(bytes(rows[0]["octets"]), bytes(range(256)))
        self.assertEqual(str(rows[0]["day"]), "2024-02-29")
        self.assertEqual(str(rows[0]["moment"]), "2024-02-29 23:59:59.999999")
        self.assertTrue(all(rows[2][name] is None for name in rows[2].asDict() if name != "id"))

    def test_moments_in_utc_are_read_where_the_property_asks_for_them(self):
        once = self.read("sam", dbtable="sales.orders", **{"meshgate-types": "utc"})
        self.assertEqual(once.where("order_ts < TIMESTAMP'2024-01-02 00:00:00'").count(), 1_439)
        self.assertEqual(str(once.orderBy("order_id").first()["order_ts"]), "2024-01-01 00:01:00")

    def test_decimals_keep_their_digits(self):
        frame = self.read("sam", query="SELECT id, long_decimal FROM types.values")
        self.assertEqual(frame.schema["long_decimal"].dataType.simpleString(), "decimal(38,10)")
        self.assertEqual(frame.orderBy("id").first()["long_decimal"], decimal.Decimal("9" * 28 + "." + "9" * 10))

    def test_a_write_is_refused(self):
        frame = self.read("sam", query="SELECT name FROM sales.customers WHERE customer_id = 1")
        with self.assertRaises(Exception):
            frame.write.format("jdbc").mode("append").options(**source("sam"), dbtable="sales.customers").save()
        self.assertEqual(self.read("sam", dbtable="sales.customers").count(), 100)


if __name__ == "__main__":
    unittest.main()

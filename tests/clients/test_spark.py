"""Spark, in an environment of its own, with the Flight SQL driver for JDBC."""

import os
import unittest
from pathlib import Path

from processes import run
from shop import gateway
from test_jdbc import DRIVER

PYTHON = os.environ.get("MESHGATE_SPARK_PYTHON", "")


class Spark(unittest.TestCase):
    def test_every_check_is_good(self):
        self.assertTrue(PYTHON and DRIVER, "MESHGATE_SPARK_PYTHON and MESHGATE_JDBC_DRIVER; tests/clients/run sets them")
        code, told = run(PYTHON, "-B", "-W", "ignore::ResourceWarning", "-m", "unittest", "spark_client",
                         **gateway().environment(), PYTHONPATH=str(Path(__file__).parent), PYSPARK_PYTHON=PYTHON, SPARK_LOCAL_IP="127.0.0.1")
        self.assertEqual(code, 0, told)
        self.assertRegex(told, r"Ran [5-9] tests")


if __name__ == "__main__":
    unittest.main()

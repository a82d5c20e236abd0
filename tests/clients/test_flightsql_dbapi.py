"""flightsql-dbapi, in an environment of its own."""

import os
import unittest
from pathlib import Path

from processes import run
from shop import gateway

PYTHON = os.environ.get("MESHGATE_FLIGHTSQL_DBAPI_PYTHON", "")


class FlightsqlDbapi(unittest.TestCase):
    def test_every_check_is_good(self):
        self.assertTrue(PYTHON, "MESHGATE_FLIGHTSQL_DBAPI_PYTHON names its Python; tests/clients/run makes it")
        code, told = run(PYTHON, "-B", "-m", "unittest", "flightsql_dbapi_client", **gateway().environment(),
                         PYTHONPATH=str(Path(__file__).parent))
        self.assertEqual(code, 0, told)
        self.assertRegex(told, r"Ran (\d\d|[7-9]) tests")


if __name__ == "__main__":
    unittest.main()

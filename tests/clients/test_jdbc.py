"""The Flight SQL driver for JDBC: `jdbc/*.java`, compiled and run against the gateway."""

import os
import tempfile
import unittest
from pathlib import Path

from pyarrow import flight

from processes import run
from shop import gateway

HERE = Path(__file__).parent
DRIVER = os.environ.get("MESHGATE_JDBC_DRIVER", "")


class Jdbc(unittest.TestCase):
    def test_every_check_in_java_is_good(self):
        self.assertTrue(DRIVER, "MESHGATE_JDBC_DRIVER names the driver's jar; tests/clients/run gets it")
        client = flight.FlightClient(gateway().uri, tls_root_certs=gateway().pem("ca.pem"))
        token = client.authenticate_basic_token("sam", "sam")[1].decode().removeprefix("Bearer ")
        with tempfile.TemporaryDirectory() as classes:
            code, told = run("javac", "-encoding", "UTF-8", "-d", classes, "-cp", DRIVER, *sorted(HERE.glob("jdbc/*.java")))
            self.assertEqual(code, 0, told)
            code, told = run("java", "--add-opens=java.base/java.nio=ALL-UNNAMED", "-Duser.timezone=UTC", "-cp",
                             f"{classes}:{DRIVER}", "Main", **gateway().environment(), SHOP_TOKEN=token)
        self.assertEqual(code, 0, told)
        self.assertGreater(told.count("ok   "), 25, told)


if __name__ == "__main__":
    unittest.main()

"""ADBC's Flight SQL driver for Go, and the validation suite that comes with it: `go/*_test.go`."""

import re
import unittest
from pathlib import Path

from processes import ROOT, meshgate, run
from shop import gateway


class Go(unittest.TestCase):
    def test_every_check_in_go_is_good(self):
        version = meshgate("--version").split()[-1]
        arrow = re.search(r'name = "arrow"\nversion = "(.*)"', (ROOT / "Cargo.lock").read_text()).group(1)
        code, told = run("go", "test", "-C", Path(__file__).with_name("go"), "-count=1", "-v", "-timeout=10m", "./...",
                         **gateway().environment(), SHOP_VERSION=version, SHOP_ARROW_VERSION=arrow)
        self.assertEqual(code, 0, told)
        self.assertGreater(told.count("--- PASS"), 50, told)


if __name__ == "__main__":
    unittest.main()

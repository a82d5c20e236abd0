"""Every contract of the repository, and of the mesh that the demo writes, is good ODCS for a foreign reader."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from processes import BIN, ROOT, demo

SKIPPED = {"target", ".git", ".cache"}


def contracts(folder):
    """The contracts below a folder."""
    return sorted(path for path in folder.rglob("*.odcs.yaml") if not SKIPPED & set(path.parts))


class Contracts(unittest.TestCase):
    def lint(self, paths):
        for path in paths:
            with self.subTest(contract=str(path)):
                done = subprocess.run([str(BIN / "datacontract"), "lint", str(path)], capture_output=True, text=True,
                                      stdin=subprocess.DEVNULL, timeout=120)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_repositorys(self):
        paths = contracts(ROOT)
        self.assertGreaterEqual(len(paths), 5)
        self.lint(paths)

    def test_the_demos(self):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "demo"
            process, _ = demo(folder)
            process.stop()
            paths = contracts(folder)
            self.assertGreaterEqual(len(paths), 5)
            self.lint(paths)


if __name__ == "__main__":
    unittest.main()

"""Servers that a test starts, on free ports of this machine, and ends."""

import os
import queue
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MESHGATE = os.environ.get("MESHGATE_BINARY", str(ROOT / "target" / "debug" / "meshgate"))
BIN = Path(os.environ.get("MESHGATE_CLIENTS_BIN", ROOT / "tests" / ".cache" / "venv" / "bin"))


def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def eventually(what, seconds, question):
    """The first answer of `question` that is not None; an error while asking is no answer."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            answer = question()
            if answer is not None:
                return answer
        except Exception as error:  # whatever the client library raises
            last = error
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s; last error: {last}")


class Process:
    """A running program whose output is kept."""

    def __init__(self, *command, **environment):
        environment = {**os.environ, **environment}
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment, text=True,
        )
        self.lines, self.seen = queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def wait_for(self, pattern, seconds=120):
        """The first match of `pattern` in the output."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                line = self.lines.get(timeout=0.2)
            except queue.Empty:
                if self.process.poll() is not None and self.lines.empty():
                    break
                continue
            self.seen.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no {pattern!r} in the output:\n{''.join(self.seen)}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Asks it to end, then makes it end."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait(20)


def demo(folder):
    """A running `meshgate demo` and its address."""
    process = Process(MESHGATE, "demo", "--dir", folder)
    address = process.wait_for(r"served at (grpc://[0-9.:]+)").group(1)
    return process, address


def serve(folder):
    """A running `meshgate serve` and its address."""
    process = Process(
        MESHGATE, "serve", "--mesh", folder, "--flight", "127.0.0.1:0", "--http", "127.0.0.1:0"
    )
    address = process.wait_for(r"^flight (grpc://[0-9.:]+)").group(1)
    return process, address


def meshgate(*arguments, **environment):
    """Runs one command of the gateway's to its end; its output."""
    done = subprocess.run(
        [MESHGATE, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={**os.environ, **environment}, timeout=300,
    )
    assert done.returncode == 0, f"meshgate {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run(*command, **environment):
    """Runs a program of somebody else's to its end: its exit code and its output."""
    done = subprocess.run(
        list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, **environment}, timeout=900,
    )
    return done.returncode, done.stdout


def roapi(tables):
    """A running ROAPI with these Parquet files, by table name, and its Flight SQL address."""
    ports = [free_port() for _ in range(3)]
    flags = ["--addr-http", "--addr-postgres", "--addr-flight-sql"]
    command = [BIN / "roapi"]
    for flag, port in zip(flags, ports):
        command += [flag, f"127.0.0.1:{port}"]
    for name, path in tables.items():
        command += ["--table", f"{name}={path}"]
    process = Process(*command)
    process.wait_for("FlightSQL traffic")
    return process, f"127.0.0.1:{ports[2]}"

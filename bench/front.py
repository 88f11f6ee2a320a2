"""Pages and stream under one address: what does it cost against plain WSGI? Needs wrk. Prints ratios of speeds.

The demo uses the combined application under uvicorn (mark_portal/demo_asgi.py); it should stay at 0.8 or more.
"""

import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS, SECONDS = 3, 4
PYTHON = [sys.executable, "-m"]
GRANIAN = [*PYTHON, "granian", "--host", "127.0.0.1", "--workers", "2", "--no-ws", "--log-level", "error"]
UVICORN = [*PYTHON, "uvicorn", "--host", "127.0.0.1", "--workers", "2", "--no-access-log", "--log-level", "error"]
KINDS = {
    "plain WSGI, granian": [*GRANIAN, "--interface", "wsgi", "--blocking-threads", "1", "bench.trivial:wsgi"],
    "one address, uvicorn": [*UVICORN, "bench.trivial:asgi"],
}


@contextlib.contextmanager
def serving(command):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "BENCH_ASGI": "1" if "asgi" in command[-1] else ""}
    process = subprocess.Popen([*command, "--port", str(port)], cwd=ROOT, env=environment, start_new_session=True)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit("a server did not start")


def requests_a_second(url):
    subprocess.run(["wrk", "-t1", "-c16", "-d1", url], capture_output=True, check=True)
    result = subprocess.run(["wrk", "-t1", "-c16", f"-d{SECONDS}", url], capture_output=True, check=True, text=True)
    if "Non-2xx" in result.stdout:
        raise SystemExit(f"{url} answered with errors")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", result.stdout).group(1))


def main():
    if not shutil.which("wrk"):
        raise SystemExit("bench/front.py needs wrk (Debian: apt-get install wrk).")
    measured = {name: [] for name in KINDS}
    for _ in range(ROUNDS):
        for name, command in KINDS.items():
            with serving(command) as url:
                measured[name].append(requests_a_second(url))
    plain = statistics.median(measured["plain WSGI, granian"])
    for name, results in measured.items():
        print(f"{name}: {statistics.median(results) / plain:.2f}")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 at many moments of a benchmark: the workspace opens, is sound, and the rest of the grid can be measured."""
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

orrery, tree = sys.argv[1], pathlib.Path(sys.argv[2])
work = pathlib.Path(tempfile.mkdtemp(prefix="orrery-kill-"))
workspace = work / "w.orrery"
model = tree / "resources/models/docs-topic"
grid = ["--grid", "length=8,16,24,32", "batch=1,2", "--set", "min_repetitions=100", "--set", "max_repetitions=100",
        "--set", "budget=0.3", "--set", "warmups=1"]
common = ["--workspace", str(workspace), "--threads", "1", "-q"]
random.seed(7)


def check(condition, sentence):
    if not condition:
        print("FAIL:", sentence)
        sys.exit(1)


def cells(run):
    database = sqlite3.connect(workspace)
    done = database.execute("SELECT count(*) FROM cell WHERE run_id = ? AND status = 'done'", (run,)).fetchone()[0]
    database.close()
    return done


def integrity():
    database = sqlite3.connect(workspace)
    check(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), "integrity_check")
    check(database.execute("PRAGMA foreign_key_check").fetchall() == [], "foreign_key_check")
    database.close()


start = time.monotonic()
subprocess.run([orrery, "bench", str(model), *grid, *common], check=True, capture_output=True)
whole = time.monotonic() - start
killed = 0
resumed = 0
for attempt in range(6):
    process = subprocess.Popen([orrery, "bench", str(model), *grid, *common], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.uniform(0.1, 0.95) * whole)
    process.send_signal(signal.SIGKILL)
    killed += process.wait() == -signal.SIGKILL
    integrity()
    listed = subprocess.run([orrery, "runs", "list", "--workspace", str(workspace), "--json"], capture_output=True, check=True)
    database = sqlite3.connect(workspace)
    run, status = database.execute("SELECT id, status FROM run ORDER BY id DESC LIMIT 1").fetchone()
    database.close()
    if status == "interrupted":
        before = cells(run)
        done = subprocess.run([orrery, "bench", "--resume", str(run), *common], capture_output=True)
        check(done.returncode == 0, f"resuming failed: {done.stderr.decode()}")
        check(cells(run) == 8, "the resumed grid is complete")
        check(before <= 8, "cells")
        resumed += 1
        integrity()
check(killed > 0 and resumed > 0, f"the kill came too late to mean anything ({killed} killed, {resumed} resumed)")
shutil.rmtree(work)
print(f"killed {killed} times, resumed {resumed} times\n1 passed, 0 failed")

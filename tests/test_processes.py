"""Processes that work for another one: they give back what it asks for, and end with it."""

import os
import signal
import subprocess
import sys
import time

from clipavatar.processes import spread

SLOW = """
import os, time
from clipavatar.processes import spread

def work(item):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    list(spread(work, range(100), 2))
"""


def test_results_come_in_order_and_alike_from_one_process_or_two() -> None:
    assert list(spread(abs, [-3, 1, -2], 1)) == list(spread(abs, [-3, 1, -2], 2)) == [3, 1, 2]


def test_workers_end_with_a_parent_that_is_killed(tmp_path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not any(map(_runs, workers)):
            return
        time.sleep(0.1)
    raise AssertionError("they work on for nobody")


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"

from __future__ import annotations


def test_what_is_open_is_ended_while_pools_still_work(fresh_python):
    code = """
import weakref
from concurrent.futures import ThreadPoolExecutor
from tbviz.store.exit_hooks import end_before_exit

class Run:
    pass

pool = ThreadPoolExecutor(1)
pool.submit(int).result()

def end(name):
    print(pool.submit(str, name).result())

def fail():
    raise RuntimeError("no")

runs = [Run(), Run(), Run()]
endings = [weakref.finalize(runs[0], end, "closed"), weakref.finalize(runs[1], fail)]
endings.append(weakref.finalize(runs[2], end, "open"))
for ending in endings:
    end_before_exit(ending)
endings[0]()
"""
    assert fresh_python(code).split() == ["closed", "open"]


def test_what_a_thread_is_still_at_work_on_is_not_ended_under_it(fresh_python):
    code = """
import threading, time, weakref
from tbviz.store.exit_hooks import end_before_exit

class Run:
    pass

def train():
    run = Run()
    ending = weakref.finalize(run, print, "ended")
    end_before_exit(ending)
    time.sleep(0.3)
    print("trained")

threading.Thread(target=train).start()
time.sleep(0.1)
"""
    assert fresh_python(code).split() == ["trained", "ended"]

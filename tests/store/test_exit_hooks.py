from __future__ import annotations


def test_finalizers_run_while_thread_pools_still_work(fresh_python):
    code = """
import weakref
from concurrent.futures import ThreadPoolExecutor
from tbviz.store.write.exit_hooks import run_before_exit

class Run:
    pass

pool = ThreadPoolExecutor(1)
pool.submit(int).result()

def end(name):
    print(pool.submit(str, name).result())

def fail():
    raise RuntimeError("no")

runs = [Run(), Run(), Run()]
finalizers = [weakref.finalize(runs[0], end, "closed"), weakref.finalize(runs[1], fail)]
finalizers.append(weakref.finalize(runs[2], end, "open"))
for finalizer in finalizers:
    run_before_exit(finalizer)
finalizers[0]()
"""
    assert fresh_python(code).split() == ["closed", "open"]


def test_a_finalizer_waits_for_the_running_thread_that_registered_it(fresh_python):
    code = """
import threading, time, weakref
from tbviz.store.write.exit_hooks import run_before_exit

class Run:
    pass

def train():
    run = Run()
    finalizer = weakref.finalize(run, print, "ended")
    run_before_exit(finalizer)
    time.sleep(0.3)
    print("trained")

threading.Thread(target=train).start()
time.sleep(0.1)
"""
    assert fresh_python(code).split() == ["trained", "ended"]

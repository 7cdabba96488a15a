"""Makes calls with 100 threads until standard input ends, each with a session of `requests`.

It prints a line after each 200 calls, and at last the number of calls and of failures as JSON.
"""
import json
import os
import sys
import threading

import requests

LISTS = os.environ["ACTIVEPROSPECT_SUPPRESSIONLIST_URL"]
FLOWS = os.environ["ACTIVEPROSPECT_LCX_URL"]
KEY = os.environ["ACTIVEPROSPECT_API_KEY"]

is_over = threading.Event()
lock = threading.Lock()
counts = {"calls": 0, "failures": []}


def call(session, number):
    if number % 2:
        url = f"{LISTS}/lists/do_not_call/items"
        response = session.post(url, json={"values": "x" * 1900}, timeout=120)
    else:
        response = session.get(f"{FLOWS}/flows", timeout=120)
    response.raise_for_status()


def loop(number):
    session = requests.Session()
    session.auth = ("X", KEY)
    session.headers["Accept"] = "application/json"
    while not is_over.is_set():
        failure = None
        try:
            call(session, number)
        except Exception as error:
            failure = repr(error)
        with lock:
            counts["calls"] += 1
            if failure:
                counts["failures"].append(failure)
            if counts["calls"] % 200 == 0:
                print(counts["calls"], flush=True)


threads = [threading.Thread(target=loop, args=(number,)) for number in range(100)]
for thread in threads:
    thread.start()
sys.stdin.read()
is_over.set()
for thread in threads:
    thread.join()
print(json.dumps(counts), flush=True)

"""Makes calls with 100 threads until standard input ends. Only Python's standard library.

It prints a line after each 200 calls, and at last the number of calls and of failures as JSON.
"""
import base64
import json
import os
import sys
import threading
import urllib.request

LISTS = os.environ["ACTIVEPROSPECT_SUPPRESSIONLIST_URL"]
FLOWS = os.environ["ACTIVEPROSPECT_LCX_URL"]
KEY = os.environ["ACTIVEPROSPECT_API_KEY"]
PAIR = base64.b64encode(f"X:{KEY}".encode()).decode()

is_over = threading.Event()
lock = threading.Lock()
counts = {"calls": 0, "failures": []}


def call(number):
    body = None
    url = f"{FLOWS}/flows"
    if number % 2:
        url = f"{LISTS}/lists/do_not_call/items"
        body = json.dumps({"values": "x" * 1900}).encode()
    request = urllib.request.Request(url, data=body)
    request.add_header("Authorization", f"Basic {PAIR}")
    request.add_header("Accept", "application/json")
    if body:
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=120) as response:
        response.read()


def loop(number):
    while not is_over.is_set():
        failure = None
        try:
            call(number)
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

"""The same calls as tap.py with the standard library alone, and a line of JSON for each record.

It has the same configuration on standard input, and the same report on standard error.
"""

import base64
import http.client
import json
import platform
import sys
import time
from urllib.parse import quote, urlsplit

PAGE = 1000

config = json.loads(sys.stdin.readline())
connection = http.client.HTTPConnection(urlsplit(config["url"]).netloc, timeout=60)
pair = base64.b64encode(f"API:{config['key']}".encode()).decode()
headers = {"Authorization": f"Basic {pair}", "Accept": "application/json"}


def get(path):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status not in (200, 404):
        sys.exit(f"a call got {answer.status}")
    return json.loads(body)


def events():
    after = ""
    while page := get(f"/events?sort=asc&limit={PAGE}{after}"):
        yield from page
        after = f"&after_id={page[-1]['id']}"


def values():
    with open(config["file"], encoding="utf-8") as lines:
        for line in lines:
            value = line.strip()
            found = get(f"/exists/{quote(config['list'])}/{quote(value, safe='')}")
            yield {"value": value, "found": found["found"]}


begin = time.perf_counter()
count = 0
for record in {"events": events, "values": values}[config["stream"]]():
    if count == config["limit"]:
        break
    count += 1
    print(json.dumps(record))
sys.stdout.flush()
seconds = time.perf_counter() - begin
report = {"rows": count, "seconds": seconds, "version": platform.python_version()}
print(json.dumps(report), file=sys.stderr)

"""A tap with Singer's SDK: two streams, the events of an account and the values of a suppression list.

Its configuration is a line of JSON on standard input: `stream`, `url`, `key`, `limit` (how many records at most) and, for
values, `list` and `file`. Records go to standard output, and how many there were in which time to standard error.
"""

import importlib.metadata
import json
import sys
import time
from urllib.parse import quote

from singer_sdk import RESTStream, Stream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BasicAuthenticator
from singer_sdk.pagination import BaseAPIPaginator

PAGE = 1000


class AfterLast(BaseAPIPaginator):
    """The next page begins after the last event of this one."""

    def get_next(self, response):
        events = response.json()
        return events[-1]["id"] if events else None


class Events(RESTStream):
    name = "events"
    path = "/events"
    primary_keys = ("id",)
    replication_key = None
    schema = th.PropertiesList(
        th.Property("id", th.StringType, required=True),
        th.Property("type", th.StringType),
        th.Property("outcome", th.StringType),
        th.Property("reason", th.StringType),
        th.Property("start_timestamp", th.StringType),
        th.Property("vars", th.ObjectType(additional_properties=True)),
        additional_properties=True,
    ).to_dict()

    @property
    def url_base(self):
        return self.config["url"]

    @property
    def http_headers(self):
        return {"Accept": "application/json"}

    @property
    def authenticator(self):
        return BasicAuthenticator(username="API", password=self.config["key"])

    def get_new_paginator(self):
        return AfterLast(None)

    def get_url_params(self, context, next_page_token):
        params = {"sort": "asc", "limit": PAGE}
        if next_page_token:
            params["after_id"] = next_page_token
        return params

    def get_records(self, context):
        for count, event in enumerate(super().get_records(context)):
            if count == self.config["limit"]:
                return
            yield event


class Values(RESTStream):
    name = "values"
    path = ""
    primary_keys = ("value",)
    replication_key = None
    schema = th.PropertiesList(
        th.Property("value", th.StringType, required=True),
        th.Property("found", th.BooleanType),
        th.Property("added_at", th.StringType),
    ).to_dict()

    @property
    def url_base(self):
        return self.config["url"]

    def get_records(self, context):
        session = self.requests_session
        session.auth = ("API", self.config["key"])
        start = f"{self.url_base}/exists/{quote(self.config['list'])}/"
        with open(self.config["file"], encoding="utf-8") as lines:
            for count, line in enumerate(lines):
                if count == self.config["limit"]:
                    return
                value = line.strip()
                answer = session.get(start + quote(value, safe=""), timeout=60)
                if answer.status_code not in (200, 404):
                    answer.raise_for_status()
                found = answer.json()
                entries = found.get("entries") or [{}]
                yield {
                    "value": value,
                    "found": found["found"],
                    "added_at": entries[0].get("added_at"),
                }


class TapBench(Tap):
    name = "tap-bench"
    config_jsonschema = th.PropertiesList(
        th.Property("stream", th.StringType, required=True),
        th.Property("url", th.StringType, required=True),
        th.Property("key", th.StringType, required=True, secret=True),
        th.Property("limit", th.IntegerType, required=True),
        th.Property("list", th.StringType),
        th.Property("file", th.StringType),
    ).to_dict()

    def discover_streams(self) -> list[Stream]:
        kind = {"events": Events, "values": Values}[self.config["stream"]]
        return [kind(self)]


if __name__ == "__main__":
    config = json.loads(sys.stdin.readline())
    tap = TapBench(config=config)
    begin = time.perf_counter()
    tap.sync_all()
    sys.stdout.flush()
    seconds = time.perf_counter() - begin
    report = {
        "rows": config["limit"],
        "seconds": seconds,
        "version": importlib.metadata.version("singer-sdk"),
    }
    print(json.dumps(report), file=sys.stderr)

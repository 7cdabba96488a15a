"""The tests that Singer's SDK for Python has for taps, run on what the program prints as a tap.

The SDK tests a class of its own, so this one prints the program's catalog and messages as they are. `tap.json` beside this
file has the `command`, and is made by `cargo xtask meltano`.
"""

import json
import pathlib
import subprocess
import sys

from singer_sdk import Stream, Tap
from singer_sdk.testing import get_tap_test_class

COMMAND = json.loads(pathlib.Path(__file__).with_name("tap.json").read_text())["command"]


def printed(*options):
    """Returns what the program prints with these options."""
    run = subprocess.run([*COMMAND, *options], check=True, stdout=subprocess.PIPE, text=True)
    return run.stdout


class Printed(Stream):
    """A stream of the program's catalog."""

    def get_records(self, context):
        raise NotImplementedError("the program prints the records itself")


class TapActiveProspect(Tap):
    """The program, as a tap of the SDK."""

    name = "tap-activeprospect"
    config_jsonschema = {"type": "object", "properties": {}}

    def discover_streams(self):
        streams = json.loads(printed("--discover"))["streams"]
        return [self.stream(entry) for entry in streams]

    def stream(self, entry):
        stream = Printed(self, schema=entry["schema"], name=entry["tap_stream_id"])
        stream.primary_keys = entry["key_properties"]
        return stream

    def run_sync_dry_run(self, dry_run_record_limit=1, streams=None):
        sys.stdout.write(printed())
        return True


TestTap = get_tap_test_class(TapActiveProspect, config={})

"""Validates the lines of `generate --stdout` against JSON Schemas, and prints the number of events of each type.

The schema of an event is the file TOPIC/EVENT_TYPE.json in the folder that is the first argument. Events of topics
without a folder there are not validated.
"""

import collections
import json
import pathlib
import sys

import jsonschema_rs

folder = pathlib.Path(sys.argv[1])
validators = {
    (path.parent.name, path.stem): jsonschema_rs.validator_for(json.loads(path.read_text()))
    for path in folder.glob("*/*.json")
}
topics = {topic for topic, _ in validators}
counts = collections.Counter()
for line in sys.stdin:
    line = json.loads(line)
    if line["topic"] not in topics:
        continue
    event = line["event"]
    kind = event.get("event_type") or event.get("eventType")
    validator = validators.get((line["topic"], kind))
    if validator is None:
        sys.exit(f"no schema for `{kind}`: {event}")
    for error in validator.iter_errors(event):
        sys.exit(f"{error.message}: {event}")
    counts[kind] += 1
print(json.dumps(counts))

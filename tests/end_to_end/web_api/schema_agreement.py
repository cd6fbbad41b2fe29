"""Compares the JSON Schema of a source with the web API's answers: for each record, both must accept it or refuse it.

Usage: schema_agreement.py ADDRESS SOURCE

Prints the number of accepted and of refused records. Each disagreement is an error.
"""

import itertools
import json
import random
import sys
import urllib.request

import jsonschema_rs

ABSENT = object()

# For each field, values that fit its column, and values that do not. Numbers in strings such as "1e1" are left out: the
# web API accepts them, but the schema requires plain digits. Strings that are not a time are left out because a schema
# cannot describe RFC 3339.
OTHER = ["x", 1, 0.5, True, [], {}, ["x"], {"x": 1}]
FIELDS = {
    ("meta", "at"): ["2026-11-30T10:00:00Z", "2026-11-30T10:00:00.5+01:00", None, 5, [], ABSENT],
    ("meta", "id"): ["k", "é" * 128, "", 7, 7.5, True, None, "k" * 257, [], ABSENT],
    ("name",): ["n", "", *OTHER, None, ABSENT],
    ("lap", "number"): [0, 7.0, 99, 100, -1, 1e2, 1.5, "7", *OTHER, None, ABSENT],
    ("lap", "seconds"): [0, 0.25, -0.5, 1e300, 61, *OTHER, None, ABSENT],
    ("total",): [2**63 - 1, -(2**63), 2**63, 1e30, *OTHER, None, ABSENT],
    ("fee",): [0.07, -999.99, 999.99, 1000, -1000, 0.001, 4.35, "12.5", "-0.05", "+7", "0.001", "1000", ".", "",
               *OTHER, None, ABSENT],
    ("points",): [5, "05", -999, 1000, "1000", 0.5, *OTHER, None, ABSENT],
    ("share",): [0.25, 0, 1, "0.5", "1.5", -0.999, *OTHER, None, ABSENT],
    ("won",): [False, *OTHER, None, ABSENT],
    ("ended",): ["2026-11-30T10:00:00Z", 1, True, [], {}, None, ABSENT],
    ("teams",): [
        [], [{"hero": "a", "kills": 3}, {}, None], [{"hero": None}], [{"hero": 1}], [{"kills": "x"}], ["x"], [[]],
        {}, "x", 1, None, ABSENT,
    ],
    ("tags",): [["a", None], [], ["a", 1], [["a"]], "a", {}, None, ABSENT],
    ("meta",): [[], "x", None, 1],
    ("lap",): [[], "x", None, {}, 1],
    ("unknown",): [*OTHER, None],
}


def with_field(record, path, value):
    *parents, last = path
    for name in parents:
        record = record.setdefault(name, {})
        if not isinstance(record, dict):
            return
    if value is ABSENT:
        record.pop(last, None)
    else:
        record[last] = value


def base():
    return {"meta": {"at": "2026-11-30T10:00:00Z", "id": "k"}, "name": "n", "lap": {"number": 1}}


def records():
    """Generates each value alone, and then random combinations of two to four."""
    values = [(path, value) for path, candidates in FIELDS.items() for value in candidates]
    choices = random.Random(7)
    combinations = (choices.sample(values, choices.randint(2, 4)) for _ in range(3_000))
    for changes in itertools.chain(([change] for change in values), combinations):
        record = base()
        for path, value in changes:
            with_field(record, path, json.loads(json.dumps(value)) if value is not ABSENT else ABSENT)
        yield record


def accepted_by_api(address, source, posted):
    request = urllib.request.Request(
        f"{address}/v1/sources/{source}",
        data=json.dumps(posted).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        rejections = json.load(response)["rejections"]
    return {rejection["index"]: rejection for rejection in rejections}


def main():
    address, source = sys.argv[1:]
    with urllib.request.urlopen(f"{address}/openapi.json") as response:
        schema = json.load(response)["components"]["schemas"][source]
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    posted = list(records())
    rejections = accepted_by_api(address, source, posted)
    disagreements = [
        f"{json.dumps(record)}: {rejections.get(index, 'accepted by the web API')}"
        for index, record in enumerate(posted)
        if validator.is_valid(record) == (index in rejections)
    ]
    if disagreements:
        sys.exit(f"{len(disagreements)} of {len(posted)}:\n" + "\n".join(disagreements[:20]))
    print(len(posted) - len(rejections), len(rejections))


main()

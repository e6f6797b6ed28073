"""Checks OCSF events, one JSON object a line, against the official schema as exported
by schema.ocsf.io (bundled by the package ocsf-json-schema, Apache-2.0)."""
import json
import sys
from collections import Counter

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

raw = get_ocsf_schema(version="1.8.0")
schemas = OcsfJsonSchemaEmbedded(raw)
validators, seen, faults = {}, Counter(), 0
for number, line in enumerate(sys.stdin, 1):
    event = json.loads(line)
    profiles = event["metadata"]["profiles"]
    try:
        name = schemas.lookup_class_name_from_uid(event["class_uid"])
    except ValueError as error:
        faults += 1
        print(f"line {number}: {error}")
        continue
    missing = [p for p in profiles if p not in raw["classes"][name]["profiles"]]
    key = (name, tuple(profiles))
    if key not in validators:
        validators[key] = Draft202012Validator(schemas.get_class_schema(name, profiles))
    found = [error.message + " at " + error.json_path for error in validators[key].iter_errors(event)]
    found += [f"the class has no profile {profile}" for profile in missing]
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("type_uid is not class_uid * 100 + activity_id")
    for path, value in ((a, v) for a, v in event.items() if a.endswith("_id")):
        values = raw["classes"][name]["attributes"][path].get("enum", {})
        caption = event.get(path[: -len("_id")])
        wanted = values.get(str(value), {}).get("caption")
        if path == "activity_id":
            caption = event.get("activity_name")
        if caption and wanted and value != 99 and caption != wanted:
            found.append(f"{path} {value} is {wanted!r}, not {caption!r}")
    for fault in found:
        faults += 1
        print(f"line {number}, {name}: {fault}")
    seen[name] += 1
print(json.dumps(seen, sort_keys=True))
sys.exit(1 if faults else 0)

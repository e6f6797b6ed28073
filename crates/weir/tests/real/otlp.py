"""Decodes OTLP request bodies with the official generated classes and checks the names of
attributes against the official semantic conventions. Input: lines of path, space, hex."""
import json
import sys

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.semconv import attributes as stable
from opentelemetry.semconv._incubating.attributes import db_attributes, user_attributes
from opentelemetry.semconv.attributes import (
    client_attributes,
    db_attributes as stable_db,
    error_attributes,
    server_attributes,
    service_attributes,
)
from opentelemetry.semconv._incubating.attributes import service_attributes as service_more

modules = [stable_db, db_attributes, user_attributes, client_attributes]
modules += [error_attributes, server_attributes, service_attributes, service_more]
known = {v for m in modules for k, v in vars(m).items() if k.isupper() and isinstance(v, str)}
stable_names = {v for k, v in vars(stable_db).items() if k.isupper() and isinstance(v, str)}
for name in ["db.system.name", "db.namespace", "db.operation.name", "db.collection.name",
             "db.query.summary", "db.query.text", "db.response.status_code"]:
    assert name in stable_names, f"{name} is not a stable name"


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(one) for one in any_value.array_value.values]
    return getattr(any_value, kind)


def attributes(pairs):
    found = {pair.key: value(pair.value) for pair in pairs}
    assert len(found) == len(pairs), "an attribute twice"
    for key in found:
        assert key in known or key.startswith("weir."), f"{key} is no name of the conventions"
    return found


def whole(message):
    """Nothing in it was unknown to the official classes."""
    again = type(message)()
    again.CopyFrom(message)
    again.DiscardUnknownFields()
    assert again.SerializeToString() == message.SerializeToString(), "unknown fields"


out = {"spans": [], "logs": [], "resources": []}
for line in sys.stdin:
    path, body = line.split()
    kind = ExportTraceServiceRequest if path.endswith("/v1/traces") else ExportLogsServiceRequest
    request = kind.FromString(bytes.fromhex(body))
    whole(request)
    for resource in getattr(request, "resource_spans", None) or getattr(request, "resource_logs", []):
        out["resources"].append(attributes(resource.resource.attributes))
        assert resource.schema_url.startswith("https://opentelemetry.io/schemas/1.")
        for scope in getattr(resource, "scope_spans", None) or getattr(resource, "scope_logs", []):
            for span in getattr(scope, "spans", []):
                assert len(span.trace_id) == 16 and len(span.span_id) == 8
                assert span.end_time_unix_nano >= span.start_time_unix_nano > 0
                out["spans"].append({
                    "name": span.name, "kind": span.kind, "trace": span.trace_id.hex(),
                    "span": span.span_id.hex(), "parent": span.parent_span_id.hex(),
                    "status": span.status.code, "flags": span.flags,
                    "attributes": attributes(span.attributes),
                })
            for log in getattr(scope, "log_records", []):
                out["logs"].append({
                    "event": log.event_name, "severity": log.severity_number,
                    "trace": log.trace_id.hex(), "span": log.span_id.hex(), "flags": log.flags,
                    "attributes": attributes(log.attributes),
                })
json.dump(out, sys.stdout)

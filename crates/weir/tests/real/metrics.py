"""Reads a page with Prometheus' own parser and gives its families as JSON."""
import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    assert family.documentation and family.type != "unknown", family
    assert family.name not in families, f"{family.name} twice"
    families[family.name] = [
        {"name": s.name, "labels": s.labels, "value": s.value} for s in family.samples
    ]
    seen = [(s.name, tuple(sorted(s.labels.items()))) for s in family.samples]
    assert len(seen) == len(set(seen)), f"a sample of {family.name} twice"
    if family.type == "histogram":
        buckets = [s for s in family.samples if s.name.endswith("_bucket")]
        counts = [s.value for s in buckets]
        assert counts == sorted(counts), f"{family.name} is not cumulative"
        bounds = [float(s.labels["le"]) for s in buckets]
        assert bounds == sorted(bounds) and bounds[-1] == float("inf"), bounds
        (total,) = [s.value for s in family.samples if s.name.endswith("_count")]
        assert total == counts[-1]
json.dump(families, sys.stdout)

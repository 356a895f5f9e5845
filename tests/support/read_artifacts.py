#!/usr/bin/env python3
"""Reads target/ with a published reader of dbt artifacts, dbt-artifacts-parser,
and prints what it understood:  read_artifacts.py TARGET
"""
import json
import sys

from dbt_artifacts_parser.parser import parse_manifest_v12, parse_run_results_v6

with open(sys.argv[1] + "/manifest.json", encoding="utf-8") as f:
    manifest = parse_manifest_v12(manifest=json.load(f))
with open(sys.argv[1] + "/run_results.json", encoding="utf-8") as f:
    results = parse_run_results_v6(run_results=json.load(f))

for name, node in sorted(manifest.nodes.items()):
    reads = ",".join(sorted(node.depends_on.nodes)) if node.resource_type != "seed" else ""
    materialized = node.config.materialized if node.resource_type != "test" else node.config.severity
    print("node", name, materialized, reads)
for name, source in sorted(manifest.sources.items()):
    print("source", name, source.relation_name)
for name, parents in sorted(manifest.parent_map.items()):
    print("parents", name, ",".join(sorted(parents)))
for result in sorted(results.results, key=lambda r: r.unique_id):
    assert result.unique_id in manifest.nodes, result.unique_id
    print("result", result.unique_id, result.status.value, result.failures)

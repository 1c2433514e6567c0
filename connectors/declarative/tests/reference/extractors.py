"""Writes extractors.json: the records that the extractors of airbyte-cdk 7.39.1 find in bodies.

    python extractors.py > extractors.json
"""

import base64
import gzip
import io
import json
import logging
import os
import tempfile
import zlib

import dpath
import requests
from airbyte_cdk.sources.declarative.models import declarative_component_schema as models
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from urllib3 import HTTPResponse

logging.disable(logging.CRITICAL)
dpath.options.ALLOW_EMPTY_STRING_KEYS = False
FACTORY = ModelToComponentFactory()
CONFIG = {"field": "items", "place": 1, "star": "*"}
DOCUMENT = {
    "data": [{"id": 1}, {"id": 2, "tags": ["a", "b"]}], "one": {"id": 3}, "empty": {}, "none": None, "zero": 0, "text": "x", "yes": True, "no": False, "list": [],
    "items": {"a": {"rows": [{"x": 1}]}, "b": {"rows": [{"x": 2}, {"x": 3}]}, "c": {"rows": []}, "d": 4},
    "numbers": [[1, 2], [3], [[4]]], "1": {"id": "one"}, "a.b": [{"id": 5}], "a[0]": [{"id": 6}], "a0": [{"id": 7}], "deep": {"x": {"y": {"x": [{"id": 8}]}}},
    "mixed": [1, None, "x", {"id": 9}, [10]], "data2": [{"id": 11}],
}
PATHS = [
    [], ["data"], ["one"], ["empty"], ["none"], ["zero"], ["text"], ["yes"], ["no"], ["list"], ["missing"], ["missing", "deeper"], ["data", "id"], ["text", "x"], ["data", "*"],
    ["data", "*", "id"], ["items", "*", "rows"], ["items", "*", "rows", "*"], ["items", "*"], ["*"], ["*", "*"], ["numbers", "*"], ["numbers", "*", "*"], ["numbers", "0"], ["numbers", "1"], ["numbers", "-1"],
    ["numbers", "7"], ["numbers", "2", "0"], ["1"], ["a.b"], ["a[0]"], ["a?b"], ["data?"], ["dat*"], ["d*", "*"], ["data", "[01]"], ["data", "[!0]"], ["data", "0"], ["data", "00"], ["data", "{{ config['place'] }}"],
    ["{{ config['field'] }}", "a", "rows"], ["{{ config['star'] }}", "a"], ["**"], ["**", "x"], ["**", "rows"], ["deep", "**", "y"], ["**", "id", "*"], ["*", "**"], ["**", "**"], ["items", "**", "*"],
    ["mixed"], ["mixed", "*"], ["mixed", "3"], ["data", "1", "tags"], ["data", "1", "tags", "*"], ["items", "[ab]", "rows"], ["items", "[ab]", "*"], ["deep", "?", "y"], ["None"], ["'data'"], ["data "], ["True"],
]


def at(*path, **more):
    return {"type": "DpathExtractor", "field_path": list(path), **more}


def expanding(*path, under=("data",), **more):
    return at(*under, record_expander={"type": "RecordExpander", "expand_records_from_field": list(path), **more})


def both(*extractors, **more):
    return {"type": "CombinedExtractor", "extractors": list(extractors), **more}


def cases():
    for path in PATHS:
        yield at(*path), DOCUMENT
    for body in [[DOCUMENT, {"data": [{"id": 20}]}], [[1, 2], {"data": 3}], [], None, 5, "text", [[{"data": 1}]], [None, [], {}, {"data": {}}]]:
        for path in [[], ["data"], ["*"], ["0"]]:
            yield at(*path), body
    parents = {"data": [
        {"id": 1, "name": "p", "lines": {"data": [{"l": 1, "name": "c"}, {"l": 2}, 3, None, [4]], "more": True}, "other": [{"l": 9}]},
        {"id": 2, "lines": {"data": []}}, {"id": 3}, 7, {"id": 4, "lines": {"data": {"l": 1}}}, {"id": 5, "lines": None},
    ]}
    for more in [{}, {"remain_original_record": True}, {"on_no_records": "emit_parent"}, {"on_no_records": "skip"}, {"merge_parent": True}, {"merge_parent": True, "remain_original_record": True},
                 {"parent_fields": [{"type": "ParentFieldPath", "parent_path": ["id"], "record_path": ["parent_id"]}]},
                 {"parent_fields": [{"type": "ParentFieldPath", "parent_path": ["lines", "data", "0", "l"], "record_path": ["p", "first"]}, {"type": "ParentFieldPath", "parent_path": ["missing"], "record_path": ["gone"]}]},
                 {"parent_fields": [{"type": "ParentFieldPath", "parent_path": ["id"], "record_path": ["l", "x"]}]},
                 {"parent_fields": [{"type": "ParentFieldPath", "parent_path": ["id"], "record_path": ["list", "2"]}]},
                 {"merge_parent": True, "parent_fields": [{"type": "ParentFieldPath", "parent_path": ["id"], "record_path": ["name"]}], "on_no_records": "emit_parent"},
                 {"truncation_indicator_path": ["lines", "more"]}]:
        for path in [["lines", "data"], ["lines", "*"], ["*", "data"], ["missing"], ["*"]]:
            yield expanding(*path, **more), parents
    yield expanding("rows", under=("items", "*")), DOCUMENT
    yield expanding("rows", under=("items", "a"), merge_parent=True), DOCUMENT
    yield expanding("rows", under=("items",)), DOCUMENT
    yield expanding("{{ config['field'] }}", under=()), {"items": [{"a": 1}]}
    yield expanding("*", "x", under=(), merge_parent=True), {"a": [{"x": [{"i": 1}]}, {"x": [2]}, {"y": 3}], "b": {"x": [{"i": 4}], "z": 5}}
    yield expanding("**", "x", under=(), merge_parent=True), {"a": [{"x": [{"x": [1]}]}, {"x": [2]}]}
    for body in [DOCUMENT, [DOCUMENT, {"one": [1, None, {}], "data": {"z": 1}}], {"one": [None, {}, []], "data": [1]}]:
        for more in [{}, {"mode": "first_match"}, {"mode": "union"}, {"skip_empty_records": True}, {"mode": "first_match", "skip_empty_records": True}]:
            yield both(at("one"), at("data"), **more), body
            yield both(at("missing"), at("mixed"), at("data"), **more), body
            yield both(both(at("missing"), at("one"), mode="first_match"), at("mixed"), **more), body


def tables():
    rows = b"id,name\n1,a\n2,b\n"
    bodies = [rows, gzip.compress(rows, mtime=0), zlib.compress(rows), rows.replace(b"a", b"\0a\0"), b"", b"\n", b"id,name\n", b"id,name\n1\n2,b\n", b"id,name\n1,b,c\n", b"id,name\n1,b,c\n2,d,e\n3,f,g,h\n",
              b"id,name\n1,b\n2,b,c\n", b"id,id,id\n1,2,3\n", b"id,id.1,id\n1,2,3\n", b"id,,x,\n1,2,3,4\n", b"a,b\n,\n\n  \nNA,N/A\nnull,NULL\nnan,NaN\nNone,none\n#N/A,<NA>\n-,1.0\n\"\",\" \"\n",
              b'a,b\n"x,1","say ""hi"""\n"two\r\nlines",z"q"z\n"a"b,c\n', b'a,b\n1,"open', b"\xef\xbb\xbfa,b\n1,2\n", b"a,b\r\n1,2\r\n3,4", b"a\n\n1\n", b"a,b\n1,\xff\n", b"a,b\n01,1.10\nTrue,1e5\n", b"\n\na,b\n1,2\n", b"a\n \n1\n", "a,é\n1,☃\n".encode(),
              b"a,b\n1,\n2\n", b"a,b,c\n1\n2,3,4\n5,6\n", b"Unnamed: 1,\n1,2\n", b"a,a,a.1\n1,2,3\n", b"a,b\n x , y\n"]
    for body in bodies:
        yield {"type": "ResponseToFileExtractor"}, body
        yield {"type": "ResponseToFileExtractor", "preserve_na_values": True}, body


def run(node, response):
    records, failed, dropped = [], False, 0
    try:
        model = getattr(models, node["type"]).parse_obj(node)
        extractor = FACTORY._create_component_from_model(model=model, config=CONFIG)
        if node["type"] == "CombinedExtractor":
            extractor.count_dropped_empty_records = True
        for record in extractor.extract_records(response):
            if type(record).__name__ == "type" or type(record).__name__ == "_DroppedEmptyRecord":
                dropped += 1
            else:
                records.append(record)
    except Exception as error:
        failed = True
        if os.environ.get("SHOW"):
            print(node, repr(error), file=__import__("sys").stderr)
    return records, dropped, failed


def answer(body):
    response = requests.Response()
    response.status_code = 200
    response._content = body
    return response


def main():
    os.chdir(tempfile.mkdtemp())
    lines = []
    for node, body in cases():
        records, dropped, failed = run(node, answer(json.dumps(body).encode()))
        case = {"extractor": node, "body": "DOCUMENT" if body is DOCUMENT else body, "records": records, "dropped": dropped, "failed": failed}
        lines.append(json.dumps(case, separators=(",", ":"), ensure_ascii=False))
    for node, body in tables():
        response = answer(body)
        response._content_consumed = True
        records, dropped, failed = run(node, response)
        case = {"extractor": node, "table": base64.b64encode(body).decode(), "records": records, "failed": failed}
        lines.append(json.dumps(case, separators=(",", ":"), ensure_ascii=False))
    print(json.dumps({"config": CONFIG, "document": DOCUMENT})[:-1] + ',\n"cases":[\n' + ",\n".join(lines) + "\n]}")


main()

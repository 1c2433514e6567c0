"""Writes transformations.json: what the transformations and the schema normalization of airbyte-cdk 7.39.1 make of records.

    python transformations.py > transformations.json
"""

import copy
import json
import logging
import os
import sys

from airbyte_cdk.sources.declarative.models import declarative_component_schema as models
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.types import StreamSlice
from airbyte_cdk.sources.utils.transform import TransformConfig, TypeTransformer

logging.disable(logging.CRITICAL)
FACTORY = ModelToComponentFactory()
CONFIG = {"shop": "s1", "n": 5, "prefix": "p_", "old": "a"}
SLICE = StreamSlice(partition={"parent": 7}, cursor_slice={"start_time": "2024-01-01"})


def field(path, value, **more):
    return {"type": "AddedFieldDefinition", "path": path, "value": value, **more}


def add(*fields, **more):
    return {"type": "AddFields", "fields": list(fields), **more}


def remove(*pointers, **more):
    return {"type": "RemoveFields", "field_pointers": list(pointers), **more}


def flatten(*path, **more):
    affixes = more.pop("key_transformation", None)
    if affixes is not None:
        more["key_transformation"] = {"type": "KeyTransformation", **affixes}
    return {"type": "DpathFlattenFields", "field_path": list(path), **more}


def adds():
    record = {"id": 1, "text": "5", "nested": {"a": 1}, "list": [1, 2], "none": None, "flag": True}
    for path in [["x"], ["id"], ["nested", "b"], ["nested", "a"], ["new", "deep", "er"], ["list", "0"], ["list", "5"], ["list", "x"], ["none", "x"], ["id", "x"], ["text", "0"], ["new", "0"],
                 ["new", "2", "x"], ["new", "0", "1"], ["list", "3", "x"], ["list", "-1"], ["list", "-1", "x"], ["nested", "0"], ["*"], ["a.b"], ["{{ record.id }}"], ["list", "0", "x"]]:
        yield add(field(path, "{{ record['id'] }}")), record
    for value in ["static", "5", "True", "None", "'quoted'", "{{ record['text'] }}", "{{ record['id'] }}", "{{ record['flag'] }}", "{{ record['none'] }}", "", "{{ config['shop'] }}", "{{ config['n'] }}",
                  "{{ stream_slice['parent'] }}", "{{ stream_partition['parent'] }}", "{{ stream_interval['start_time'] }}", "x{{ record['id'] }}", "007", "{{ record['nested']['a'] }}"]:
        for kind in [None, "string", "integer", "number", "boolean"]:
            more = {"value_type": kind} if kind else {}
            yield add(field(["x"], value, **more)), record
    yield add(field(["a"], "1"), field(["b"], "{{ record['a'] }}")), record
    yield add(field(["a"], "1"), field(["b"], "{{ record['a'] }}"), condition="{{ record['id'] == 1 }}"), record
    yield add(field(["a"], "1"), field(["b"], "2"), condition="{{ value == 2 }}"), record
    yield add(field(["a"], "1"), field(["b"], "2"), condition="{{ path[0] == 'a' }}"), record
    yield add(field(["a"], "1"), condition="{{ record['none'] }}"), record
    yield add(field(["a"], "1"), condition="False"), record
    yield add(field(["a"], "1"), condition="{{ record['id'] }}"), record
    yield add(field(["a"], "1"), condition="{{ record['missing'] }}"), record


def removes():
    record = {"id": 1, "a": {"x": 1, "y": {"x": 2, "z": 3}}, "b": [{"x": 1, "w": 2}, {"x": 3}], "c": [1, 2, 3], "d": None, "ab": 5, "x": 6, "e": [], "f": "", "g": [[1], [2, 3]], "0": 4}
    for pointers in [[["id"]], [["missing"]], [["a", "x"]], [["a", "missing"]], [["a"], ["b"]], [["a", "*"]], [["*"]], [["**"]], [["**", "x"]], [["a", "**"]], [["a", "**", "x"]], [["b", "*", "x"]], [["b", "0"]], [["b", "1"]],
                     [["b", "0", "x"]], [["c", "0"]], [["c", "2"]], [["c", "-1"]], [["c", "*"]], [["c", "0"], ["c", "2"]], [["c", "5"]], [["g", "*", "0"]], [["g", "0", "0"]], [["a*"]], [["?"]], [["[ab]"]], [["0"]],
                     [["d"]], [["a", "y", "z"]], [["b", "*"]], [["**", "0"]], [["id", "x"]], [["b", "**"]], [["**", "b", "**"]], [[]], []]:
        yield remove(*pointers), record
    for condition in ["{{ property == 1 }}", "{{ property is string }}", "{{ property == '' }}", "{{ property is none }}", "False", "True", "{{ property }}"]:
        for pointers in [[["a", "x"]], [["missing"]], [["**"]], []]:
            yield remove(*pointers, condition=condition), record


def others():
    record = {"id": 1, "data": {"name": "n", "inner": {"deep": [1]}}, "list": [{"a": 1}, {"b": 2}], "many": {"p": {"q": 1}, "r": {"s": 2}}, "empty": {}, "text": "t", "clash": {"id": 2, "other": 3}}
    for path in [["data"], ["data", "inner"], ["list"], ["list", "*"], ["many", "*"], ["empty"], ["text"], ["missing"], ["clash"], ["*"], ["list", "0"], ["{{ config['prefix'] }}"]]:
        for more in [{}, {"delete_origin_value": True}, {"replace_record": True}, {"replace_record": True, "delete_origin_value": True}]:
            yield flatten(*path, **more), record
    for affixes in [{"prefix": "a_"}, {"suffix": "_z"}, {"prefix": "{{ config['prefix'] }}", "suffix": "!"}, {"prefix": ""}, {}, {"prefix": "5"}, {"prefix": "None"}]:
        yield flatten("clash", key_transformation=affixes), record
        yield flatten("clash", key_transformation=affixes, delete_origin_value=True), record
        yield flatten("clash", key_transformation=affixes, replace_record=True), record
    nested = {"a": 1, "b": {"a": 2, "c": {"a": 3}}, "d": [1, {"e": 2, "a": 4}, [5]], "f": {}, "g": [], "h": {"i": {"j": None}}}
    for lists in [None, True, False]:
        more = {} if lists is None else {"flatten_lists": lists}
        for each in [nested, {"x": {"y": 1, "z": {"y": 2}}, "y": 3}, {"l": [{"k": 1}], "k": 2}, {"k": 2, "l": [{"k": 1}]}, {"l": [[{"k": 1}, {"k": 2}]]}, {}]:
            yield {"type": "FlattenFields", **more}, each
    names = ["FirstName", "first name", "ID", "userID", "HTTPServer", "a.b-c", "__x__", "1st", "x1y2", "Ünïcode", "日本", "a  b", "%", "", " lead", "trail ", "ABCdefGHI", "snake_case", "Camel2Case", "über-Größe", "a/b", "123", "12 ab", "é", "x%"]
    yield {"type": "KeysToLower"}, {name: index for index, name in enumerate(names) if name}
    yield {"type": "KeysToLower"}, {"A": {"B": 1}, "İ": 2, "ß": 3}
    for name in names:
        yield {"type": "KeysToSnakeCase"}, {name: 1}
    yield {"type": "KeysToSnakeCase"}, {"OuterKey": {"InnerKey": [{"DeepKey": 1}], "Other Key": None}, "Outer Key": 2}
    for old, new in [(" ", "_"), ("a", ""), ("", "-"), ("{{ config['old'] }}", "{{ record['id'] }}"), ("5", "6"), ("x", "{{ stream_slice['parent'] }}")]:
        yield {"type": "KeysReplace", "old": old, "new": new}, {"id": 9, "a b": {"a": 1, "x5": [{"a": 2}]}, "5x": 3}


def value_cases():
    values = ["text", "5", " 5 ", "5.5", "1e3", "-0", "+7", "1_000", "_1", "nan", "inf", ".5", "5.", "", "true", "No", "ON ", "2", 0, 1, 5, -3, 1.5, 2.0, -2.7, 1e21, True, False, None, [], [1], {}, {"a": "b"}, [None, True, "it's"],
              {"k": [1, {"x": None}]}, "0x1f", "007", "1,5", 12345678901234567, 0.1, 1e-7, 0.0]
    types = ["string", "number", "integer", "boolean", "array", "object", "null", ["null", "string"], ["null", "number"], ["null", "integer"], ["null", "boolean"], ["null", "array"], ["string", "integer"], ["string"], [], ["null"]]
    for kind in types:
        yield {"type": "object", "properties": {str(index): {"type": kind} for index in range(len(values))}}, {str(index): value for index, value in enumerate(values)}
    for items in [{"type": "string"}, {"type": ["null", "string"]}, {"type": ["null", "object"]}, {}, {"type": "object", "properties": {"a": {"type": "integer"}}}, {"type": ["string", "object"]}]:
        yield {"properties": {name: {"type": "array", "items": items} for name in "abcdef"}}, {"a": 1, "b": [1, "x", None], "c": None, "d": {"a": "1"}, "e": "x", "f": [{"a": "5"}, [1]]}
    inner = {"type": "object", "properties": {"n": {"type": "integer"}, "l": {"type": "array", "items": {"type": "number"}}}}
    yield {"properties": {"o": inner, "p": inner, "q": inner}}, {"o": {"n": "5", "l": ["1", 2, "x"], "z": 1}, "p": "5", "q": [{"n": "5"}]}
    yield {"properties": {"o": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "p": {"oneOf": [inner]}, "q": {"allOf": [inner]}}}, {"o": 5, "p": {"n": "5"}, "q": {"n": "5"}}
    yield {"definitions": {"i": inner, "s": {"type": "string"}}, "properties": {"o": {"$ref": "#/definitions/i"}, "s": {"$ref": "#/definitions/s"}, "l": {"type": "array", "items": {"$ref": "#/definitions/i"}}}}, {"o": {"n": "5"}, "s": 5, "l": [{"n": "6"}]}
    yield {"properties": {"t": {"properties": {"t": {"$ref": "#/properties/t"}, "n": {"type": "integer"}}}}}, {"t": {"n": "1", "t": {"n": "2", "t": {"n": "3"}}}}
    yield {"type": ["null", "object"], "additionalProperties": {"type": "string"}, "properties": {"a": {"type": "string", "default": "d"}}}, {"b": 5}
    yield {}, {"a": 1}
    yield {"properties": {"a": {}, "b": {"type": "string", "format": "date-time"}, "c": {"enum": [1]}}}, {"a": "1", "b": 5, "c": "1"}
    yield {"items": {"type": "string"}}, {"a": 1}
    yield {"properties": {"a": {"items": [{"type": "object", "properties": {"n": {"type": "integer"}}}]}}}, {"a": 5}


def transformed(node, record):
    record = copy.deepcopy(record)
    try:
        model = getattr(models, node["type"]).parse_obj(node)
        FACTORY._create_component_from_model(model=model, config=CONFIG).transform(record, config=CONFIG, stream_state={}, stream_slice=SLICE)
        return record
    except Exception as error:
        if os.environ.get("SHOW"):
            print(node, repr(error)[:200], file=sys.stderr)
        return "FAILED"


def normalized(schema, record):
    record = copy.deepcopy(record)
    try:
        TypeTransformer(TransformConfig.DefaultSchemaNormalization).transform(record, schema)
        return json.loads(json.dumps(record).replace("NaN", "null").replace("Infinity", "null"))
    except Exception as error:
        if os.environ.get("SHOW"):
            print(schema, repr(error)[:200], file=sys.stderr)
        return "FAILED"


def listed(cases):
    shared, lines = [], []
    for node, record, made in cases:
        if record not in shared or any(type(a) is not type(b) for a, b in zip(record.values(), shared[shared.index(record)].values())):
            shared.append(record)
        index = max(at for at, each in enumerate(shared) if each == record)
        lines.append(json.dumps([node, index, made], separators=(",", ":"), ensure_ascii=False))
    return json.dumps(shared, separators=(",", ":"), ensure_ascii=False), "[\n" + ",\n".join(lines) + "\n]"


def main():
    records, transformations = listed((node, record, transformed(node, record)) for cases in (adds, removes, others) for node, record in cases())
    values, normalizations = listed((schema, record, normalized(schema, record)) for schema, record in value_cases())
    print(f'{{"config":{json.dumps(CONFIG)},"slice":{json.dumps(dict(SLICE))},"records":{records},"transformations":{transformations},"values":{values},"normalizations":{normalizations}}}')


main()

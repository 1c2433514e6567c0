"""Writes settings.json: what the rules for settings and the dynamic schemas of airbyte-cdk 7.39.1 make of settings and descriptions.

    python settings.py > settings.json
"""

import copy
import json
import logging
import os
import sys
import warnings

from airbyte_cdk.sources.declarative.models import declarative_component_schema as models
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.declarative.schema.dynamic_schema_loader import DynamicSchemaLoader

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
FACTORY = ModelToComponentFactory()
CONFIG = {"pointer": "fields", "kind": "type"}
SETTINGS = {"name": "n", "status": "pending", "auth": {"type": "oauth", "secret": "s", "n": 1}, "list": [{"a": 1}, {"a": 2}], "number": 1, "empty": "", "none": None, "json": "{\"a\": 5}", "flag": True}


def field(path, value, **more):
    return {"type": "AddedFieldDefinition", "path": path, "value": value, **more}


def add(*fields, **more):
    return {"type": "ConfigAddFields", "fields": list(fields), **more}


def remove(*pointers, **more):
    return {"type": "ConfigRemoveFields", "field_pointers": list(pointers), **more}


def remap(path, mapping):
    return {"type": "ConfigRemapField", "field_path": path, "map": mapping}


def check(path, schema):
    return {"type": "DpathValidator", "field_path": path, "validation_strategy": {"type": "ValidateAdheresToSchema", "base_schema": schema}}


def changes():
    yield add(field(["x"], "{{ config['name'] }}"))
    yield add(field(["auth", "kind"], "{{ config['auth']['type'] }}"), field(["y"], "{{ config['auth']['kind'] }}"))
    yield add(field(["x"], "1"), condition="{{ config['status'] == 'pending' }}")
    yield add(field(["x"], "1"), condition="{{ config['status'] == 'done' }}")
    yield add(field(["x"], "1"), field(["y"], "2"), condition="{{ value == 2 }}")
    yield add(field(["x"], "{{ config['number'] }}", value_type="string"))
    yield add(field(["name", "x"], "1"))
    yield add(field(["status"], "{{ config['missing'] or 'new' }}"))
    for pointers in [[["name"]], [["auth", "secret"]], [["auth", "*"]], [["missing"]], [["list", "*", "a"]], [["**", "a"]], [["list", "0"]]]:
        yield remove(*pointers)
    yield remove(["name"], condition="{{ config['status'] == 'pending' }}")
    yield remove(["name"], condition="{{ config['status'] == 'done' }}")
    mapping = {"pending": "waiting", "oauth": {"k": "v"}, "1": "one", "s": 5, "{{ config['name'] }}": "templated", "": "was none", "": "x", "t": "{{ config['number'] }}"}
    for path in [["status"], ["auth", "type"], ["auth", "secret"], ["number"], ["name"], ["missing"], ["auth", "missing"], ["name", "x"], ["none"], ["empty"], ["auth", "{{ config['missing'] or 'type' }}"], ["*"]]:
        yield remap(path, mapping)
    yield remap(["name"], {"n": "{{ config['number'] }}"})
    yield remap(["name"], {"n": ""})
    yield remap(["flag"], {"True": "yes"})
    yield remap(["auth"], {"x": 1})


def checks():
    number = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    for path, schema in [(["auth"], number), (["auth"], {"type": "object", "required": ["zzz"]}), (["missing"], number), (["list", "*"], {"type": "object"}), (["list", "*"], {"type": "object", "properties": {"a": {"maximum": 1}}}),
                         (["json"], {"type": "object", "properties": {"a": {"type": "integer"}}}), (["json"], {"type": "string"}), (["name"], {"type": "string"}), (["number"], {"type": "string"}), (["number"], {"type": "integer"}),
                         (["none"], {"type": "null"}), (["*"], {}), (["li?t"], {"type": "array"}), (["?*"], {}), (["auth", "n"], {"$schema": "http://json-schema.org/draft-07/schema#", "type": "integer"}), (["empty"], {}), (["list", "0", "a"], {"const": 1})]:
        yield check(path, schema)


def identifiers():
    fields = [{"name": "a", "type": "singleLine"}, {"name": "b", "type": "number"}, {"name": "c"}, {"name": "d", "type": ["string", "integer"]}, {"name": "A b", "type": "list"}, {"name": "e", "type": "date", "x": {"y": "boolean"}}]
    plain = {"fields": fields[1:3]}
    mapping = [{"current_type": "singleLine", "target_type": "string"}, {"current_type": "list", "target_type": {"field_type": "array", "items": "integer"}}]

    def one(schema_pointer=("fields",), key=("name",), kind=("type",), mapped=None):
        node = {"type": "SchemaTypeIdentifier", "schema_pointer": list(schema_pointer), "key_pointer": list(key)}
        if kind:
            node["type_pointer"] = list(kind)
        if mapped is not None:
            node["types_mapping"] = [{"type": "TypesMap", **each} for each in mapped]
        return node

    yield one(), {"fields": fields}, {}
    yield one(mapped=mapping), {"fields": fields}, {}
    yield one(kind=None), {"fields": fields}, {}
    yield one(), plain, {}
    yield one(("{{ config['pointer'] }}",), kind=("{{ config['kind'] }}",)), plain, {}
    yield one(()), fields[1:3], {}
    yield one(key=("missing",)), plain, {}
    yield one(("missing",)), plain, {}
    yield one(kind=("x", "y")), {"fields": fields[5:]}, {}
    yield one(), {}, {}
    yield one(), None, {}
    for name in ["string", "boolean", "date", "timestamp_without_timezone", "timestamp_with_timezone", "time_without_timezone", "time_with_timezone", "integer", "number", "array", "object", "other", "String", "", None, 5]:
        yield one(), {"fields": [{"name": "x", "type": name}]}, {}
    for kind in [["string", "integer"], ["string"], ["a", "b"], [], {"field_type": "array"}, ["string", "integer", "number"], [None, "string"]]:
        yield one(), {"fields": [{"name": "x", "type": kind}]}, {}
    for target in ["integer", ["string", "number"], {"field_type": "array", "items": "string"}, {"field_type": "array", "items": {"field_type": "array", "items": "number"}}, {"field_type": "object"}, {"field_type": "array"}]:
        yield one(mapped=[{"current_type": "k", "target_type": target}]), {"fields": [{"name": "x", "type": "k"}]}, {}
    for condition in ["{{ raw_schema['n'] == 1 }}", "{{ raw_schema['n'] == 2 }}", "", "{{ config['kind'] == 'type' }}", "{{ raw_schema['missing'] }}"]:
        yield one(mapped=[{"current_type": "k", "target_type": "integer", "condition": condition}, {"current_type": "k", "target_type": "number"}]), {"fields": [{"name": "x", "type": "k", "n": 1}]}, {}
    yield one(mapped=[{"current_type": ["p", "q"], "target_type": "integer"}]), {"fields": [{"name": "x", "type": ["p", "q"]}]}, {}
    yield one(), plain, {"schema_transformations": [{"type": "KeysToLower"}, {"type": "AddFields", "fields": [field(["z"], "1")]}]}
    yield one(mapped=mapping), {"fields": fields}, {"schema_transformations": [{"type": "KeysToSnakeCase"}, {"type": "RemoveFields", "field_pointers": [["b"]]}]}
    yield one(mapped=mapping), {"fields": fields}, {"schema_filter": {"type": "RecordFilter", "condition": "{{ 'a' in record }}"}}
    yield one(mapped=mapping), {"fields": fields}, {"schema_filter": {"type": "RecordFilter", "condition": ""}}


def build(node, config):
    return FACTORY._create_component_from_model(model=getattr(models, node["type"]).parse_obj(node), config=config)


def tried(make):
    try:
        return make()
    except Exception as error:
        if os.environ.get("SHOW"):
            print(repr(error)[:200], file=sys.stderr)
        return "FAILED"


def changed(node):
    def run():
        settings = copy.deepcopy(SETTINGS)
        build(node, {}).transform(settings)
        return settings

    return tried(run)


def valid(node):
    return tried(lambda: build(node, {}).validate(copy.deepcopy(SETTINGS)) or "VALID")


class Fake:
    def __init__(self, record):
        self.record = record

    def read_records(self, *_, **__):
        return iter([] if self.record is None else [self.record])


def schema(node, record, more):
    def run():
        transformations = [build(each, CONFIG) for each in more.get("schema_transformations", [])]
        keeps = build(more["schema_filter"], CONFIG) if "schema_filter" in more else None
        loader = DynamicSchemaLoader(retriever=Fake(record), config=CONFIG, parameters={}, schema_type_identifier=build(node, CONFIG), schema_transformations=transformations, schema_filter=keeps)
        return loader.get_json_schema()["properties"]

    return tried(run)


def lines(cases):
    return "[\n" + ",\n".join(json.dumps(case, separators=(",", ":"), ensure_ascii=False) for case in cases) + "\n]"


print(f'{{"settings":{json.dumps(SETTINGS)},"config":{json.dumps(CONFIG)},"changes":{lines([node, changed(node)] for node in changes())},"checks":{lines([node, valid(node)] for node in checks())},'
      f'"schemas":{lines([node, record, more, schema(node, record, more)] for node, record, more in identifiers())}}}')

"""Writes interpolation.json: what templates become in the reference, in several contexts, as a string, in a mapping and as a condition.

With arguments it takes the templates from one JSON file and writes the table to another.
"""

import datetime
import json
import pathlib
import sys
import types

from airbyte_cdk.sources.declarative.interpolation import macros
from airbyte_cdk.sources.declarative.interpolation.interpolated_boolean import InterpolatedBoolean
from airbyte_cdk.sources.declarative.interpolation.interpolated_string import InterpolatedString
from airbyte_cdk.sources.declarative.interpolation.jinja import JinjaInterpolation

NOW = datetime.datetime(2024, 6, 15, 12, 30, 45, 123456, tzinfo=datetime.timezone.utc)


class Still(type):
    def __instancecheck__(cls, value):
        return isinstance(value, datetime.datetime)


class StillDatetime(datetime.datetime, metaclass=Still):
    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz) if tz else NOW.replace(tzinfo=None)

    strptime = datetime.datetime.strptime


macros.datetime = types.SimpleNamespace(datetime=StillDatetime, timezone=datetime.timezone, timedelta=datetime.timedelta, date=datetime.date)

RICH = {
    "config": {
        "start_date": "2024-01-01T00:00:00Z", "end_date": "2024-03-01", "api_key": "k3y'\"x", "page_size": 50, "number": "007", "flag": True, "off": False,
        "none": None, "empty": "", "list": ["a", "b", 3], "nested": {"a": {"b": [1, {"c": "deep"}]}}, "float": 1.10, "big": 12345678901234567890123,
        "text": "  Hello World, hello  ", "query": "a b&c=d/é", "digits": "42", "zero": 0, "camel": "someCamelCaseText", "Items": [{"n": 2, "s": "B"}, {"n": 1, "s": "a"}, {"s": "c"}],
        "items": "own", "base64": "aGVsbG8=", "html": "<a href='x'>A & B</a>", "date": "2024-02-29", "lat": "51.5", "period": "P1M",
    },
    "parameters": {"name": "users", "path": "v1/users"},
    "record": {
        "id": 7, "name": "Ann", "email": "Ann@Example.com", "price": 19.90, "amount": 1e22, "tags": ["x", "y"], "attributes": {"name": "n", "items": [1, 2]}, "created": "2024-05-01T10:11:12.5+02:00",
        "ts": 1718454645, "none": None, "active": False, "values": [3, 1, 2], "keys": {"k": 1}, "unicode": "żółw 🐢\n", "quote": "it's \"q\"", "zero": 0, "date": "2024-06-01", "children": [{"id": 1, "kids": [{"id": 2}]}],
    },
    "response": {"next": "https://x.y/z?page=3&a=b", "has_more": True, "links": [{"rel": "next", "href": "/n"}, {"rel": "self", "href": "/s"}], "meta": {"total": 120, "page": 2}, "data": [], "error": {"code": 32000}, "@odata.nextLink": "https://a/b?$skiptoken=abc&x=1"},
    "headers": {"Link": "<https://a/b?endingBefore=q1>; rel=prev, <https://a/b?x=2>; rel=next", "link": {"next": {"url": "https://a/b?x=2", "rel": "next"}}, "X-Count": "12"},
    "stream_slice": {"start_time": "2024-01-01", "end_time": "2024-01-31", "parent_id": 5, "id": "a-b-c", "parent_slice": {"org": "o1"}},
    "next_page_token": {"next_page_token": 2}, "last_record": {"id": 99, "cursor": "c99"}, "last_page_size": 100,
}
POOR = {
    "config": {"start_date": "", "api_key": 12345, "page_size": "10", "list": [], "nested": {}, "text": "5", "query": "", "float": 0.0, "digits": "x", "end_date": None, "Items": []},
    "parameters": {}, "record": {"id": None, "name": "", "tags": None, "price": "1.10", "attributes": None}, "response": {"next": None, "links": None, "has_more": False}, "headers": {},
    "stream_slice": {}, "next_page_token": None, "last_record": None, "last_page_size": 0,
}
BARE = {"config": {"a": 1, "start_date": "2024-01-01"}, "parameters": {"x": "5"}, "stream_slice": {"id": 0, "list": [1, 2]}}
CONTEXTS = [RICH, POOR, BARE]

TEMPLATES = pathlib.Path(__file__).with_name("interpolation.txt").read_text().split("\n") if len(sys.argv) == 1 else json.loads(pathlib.Path(sys.argv[1]).read_text())
TEMPLATES = [text.replace("␊", "\n") for text in TEMPLATES if text and not text.startswith("#")] if len(sys.argv) == 1 else TEMPLATES


def copy(context):
    return json.loads(json.dumps(context))


def told(value):
    kind = {type(None): "None", bool: "Bool", int: "Int", float: "Float", str: "Str", list: "List", dict: "Dict", tuple: "Tuple", bytes: "Bytes", set: "Set", type(...): "Ellipsis"}[type(value)]
    # Two halves of a letter are the letter to everybody but Python.
    return [kind, str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")]


def tried(call):
    try:
        return told(call())
    except Exception:
        return None


def results(text, context):
    fresh = lambda: (lambda c: (c.pop("config"), c.pop("parameters"), c))(copy(context))

    def string():
        config, parameters, rest = fresh()
        return InterpolatedString(string=text, parameters=parameters).eval(config, **rest)

    def mapped():
        config, parameters, rest = fresh()
        return JinjaInterpolation().eval(text, config, valid_types=(str, list), parameters=parameters, **rest)

    def holds():
        config, parameters, rest = fresh()
        return InterpolatedBoolean(condition=text, parameters=parameters).eval(config, **rest)

    one, two, three = tried(string), tried(mapped), tried(holds)
    return [one, "=" if two == one else two, None if three is None else three[1] == "True"]


if __name__ == "__main__":
    rows = [[text] + [results(text, context) for context in CONTEXTS] for text in TEMPLATES]
    table = {"contexts": CONTEXTS, "rows": rows}
    out = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pathlib.Path(__file__).with_suffix(".json")
    out.write_text(json.dumps(table, ensure_ascii=False, separators=(",", ":")))
    print(len(rows))

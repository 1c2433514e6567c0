"""Writes decoders.json: what the decoders of airbyte-cdk 7.39.1 make of bodies.

    python decoders.py > decoders.json
"""

import base64
import gzip
import io
import json
import logging
import zipfile

import orjson
import requests
from airbyte_cdk.sources.declarative.parsers.model_to_component_factory import ModelToComponentFactory
from airbyte_cdk.sources.declarative.models import declarative_component_schema as models
from urllib3 import HTTPResponse

logging.disable(logging.CRITICAL)
FACTORY = ModelToComponentFactory()
JSON, JSONL, XML, LINES = ({"type": name} for name in ("JsonDecoder", "JsonlDecoder", "XmlDecoder", "IterableDecoder"))


def gz(inner):
    return {"type": "GzipDecoder", "decoder": inner}


def csv(**more):
    return {"type": "CsvDecoder", **more}


def items(path, **more):
    return {"type": "JsonItemsDecoder", "items_path": path, **more}


def archive(*files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files:
            out.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def squeezed(content):
    return gzip.compress(content, mtime=0)


def zipped(inner):
    return {"type": "ZipfileDecoder", "decoder": inner}


def cases():
    for body in [b'{"a": 1, "b": [1, 2.5, "x"]}', b'[{"a": 1}, {"a": 2}]', b"[]", b"", b"   ", b"null", b"0", b'"text"', b"true", b"[null]",
                 b"[1, [2], null]", b"{}", b"[{}]", b"<html>", b'{"a": 1', b'{"a": 1} x', b'{"a": NaN, "b": [Infinity, -Infinity]}',
                 b'\xef\xbb\xbf{"a": 1}', b'{"a": "\xff"}', b'{"a": "\\u00e9\\ud83d\\ude00\\n\\/"}', b'{"a": NaN, "b": "\\ud83d\\ude00 \\u0041\\""}',
                 b'{"a": 1, "b": 2, "a": 3}', b'{"a": 01}', b"[1,]", b'{"a": "x\ny"}', b'{a: 1}', b'{"a": .5}', b'{"a": 1.}',
                 b"[" * 300 + b"]" * 300, b'[{"a": NaN}, 1, "x", true, false, null]', b'{"a": {"b": [[], {}, [{}]]}, "c": NaN}',
                 b"\x0b[1]", b"[1]\x00", b'{"a":NaN,}', b"[NaN", b'["\\x"]', b"tru", b"nul", b"-"]:
        yield JSON, body, {}
    for body in [b'{"a": 1}\n{"a": 2}\n', b'{"a": 1}\r\n\r\n{"a": 2}', b'{"a": 1}\nbroken\n{"a": 2}', b"", b"\n\n", b"1\nnull\n[1]\n", b'\xef\xbb\xbf{"a": 1}\n{"b": 2}',
                 b'{"a": NaN}\n', b'{"a": "\xff"}\n{"b": 1}', b'{"a": 1}{"b": 1}\n{"c": 1}', b'{"a":\r1}\n']:
        yield JSONL, body, {}
    for body in [b"one\ntwo\r\nthree\rfour\n", b"", b"\n", b"a\n\nb", b"a\r\r\nb", "é\n☃".encode(), b"\xff\n", b"tail\r"]:
        yield LINES, body, {}
    plain = csv()
    for body in [b"id,name\n1,a\n2,b\n", b"id,name\r\n1,a\r\n2,b", b"id,name\r1,a\r2,b", b"", b"id,name\n", b"\nid,name\n1,a\n", b"id,name\n\n1,a\n\n\n2,b\n",
                 b'id,name\n1,"a,b"\n2,"say ""hi"""\n', b'id,name\n1,"two\nlines"\n', b'id,name\n1,"two\r\nlines"\n', b'id,name\n1,a"b"c\n2,"a"b"c\n',
                 b"id,name\n1\n2,b,c,d\n", b'id,name\n1,"open', b'id,name\n1,', b"id,name\n1, a\n ,\n", b"id,id\n1,2\n", b'"id","na""me"\n"1","a"\n',
                 b"\xef\xbb\xbfid,name\n1,a\n", b"id\n\n \n1\n", b"id,name\n,\n", b'id,name\n"",""\n', b"id,name\n1,\xff\n", b'id\n"\n', b'id\n""\n', b"id\n1\r", b"a,,b\n1,2,3\n"]:
        yield plain, body, {}
    yield csv(delimiter="\\t"), b"id\tname\n1\ta,b\n", {}
    yield csv(delimiter=";"), b'id;name\n1;"a;b"\n', {}
    yield csv(delimiter="\\x01"), b"id\x01name\n1\x01a\n", {}
    yield csv(delimiter="\\u0001"), b"id\x01name\n1\x01a\n", {}
    yield csv(delimiter="|", set_values_to_none=["", "NULL"]), b"id|name|x\n1||NULL\n2|null|\n3\n", {}
    yield csv(delimiter="|", set_values_to_none=[""]), b"id|name\n1|||\n", {}
    yield csv(encoding="latin-1"), "id,name\n1,Émile\n".encode("latin-1"), {}
    yield csv(encoding="latin-1"), b"id,name\n1,\x80\n", {}
    yield csv(encoding="cp1252"), b"id,name\n1,\x80\n", {}
    yield csv(encoding="windows-1251"), "id,name\n1,Юрий\n".encode("cp1251"), {}
    yield csv(encoding="utf-8-sig"), b"\xef\xbb\xbfid,name\n1,a\n", {}
    yield csv(encoding="utf-16"), "id,name\n1,é☃\n".encode("utf-16"), {}
    yield csv(encoding="utf-16-le"), "id,name\n1,é☃\n".encode("utf-16-le"), {}
    yield csv(encoding="utf-16-be"), "id,name\n1,é☃\n".encode("utf-16-be"), {}
    yield csv(encoding="shift_jis"), "id,name\n1,日本\n".encode("shift_jis"), {}
    yield csv(encoding="gbk"), "id,name\n1,中文\n".encode("gbk"), {}
    yield csv(encoding="euc-kr"), "id,name\n1,한국\n".encode("euc-kr"), {}
    yield csv(encoding="ascii"), b"id,name\n1,\xe9\n", {}
    document = b"""<?xml version="1.0" encoding="UTF-8"?>
<root>
  <location id="123">
    San Francisco
  </location>
  <item id="1" category="books"><name>Title &amp; more</name><price>10.99</price></item>
  <item id="2" category="x"><name>Gadget</name><note/></item>
  <!-- a comment --><empty></empty><blank>  </blank>
</root>"""
    xml_bodies = [document, b"<a/>", b"<a></a>", b"<a>1</a>", b'<a x="1"/>', b'<a x="1">t</a>', b"<a><b/><b/><b>3</b></a>", b"<a>x<b>1</b>y<b>2</b>z</a>",
                  b'<ns:a xmlns:ns="http://n"><ns:b ns:c="1">t</ns:b></ns:a>', b'<a xmlns="http://n"><b/></a>', b"<a><![CDATA[<x> & ]]>y</a>", b"<a>&#65;&#x42;&lt;&quot;&apos;</a>",
                  b"<a>&nbsp;</a>", b"<a>", b"<a></b>", b"<a/><b/>", b"", b"text", b"<a>1</a>tail", b"<a/>  \n<!-- c --><?pi x?>", b"<a x='1' x='2'/>", b"<a x=1/>", b"<a x='a&amp;b&#10;c\n\td'/>",
                  b"<a>l1\r\nl2\rl3</a>", "<a>é☃</a>".encode(), b'<!DOCTYPE a [<!ENTITY e "v">]><a>x&e;y</a>', b'<!DOCTYPE a><a>1</a>', b"\xef\xbb\xbf<a>1</a>", b"  <a>1</a>", b"<a>\x01</a>",
                  b"<a>]]></a>", b"<a x='<'/>", b"<a><b>1</b><c>2</c><b>3</b></a>", b"<a>&amp</a>", b"<a>a & b</a>", b"<a><b x='1'/><b>t</b><b/></a>", b"<a>\xc2\xa0</a>", b"<a b='1'>  </a>",
                  b"<a><#text>1</#text></a>", b"<a><!-- a -- b --></a>", b"[1]", b"{}"]
    for body in xml_bodies:
        yield XML, body, {"Content-Type": "application/xml"}
        yield XML, body, {"Content-Type": "text/xml; charset=utf-8"}
    yield XML, "<a>é</a>".encode(), {"Content-Type": "text/xml"}
    yield XML, "<a>é</a>".encode("latin-1"), {"Content-Type": "text/xml"}
    yield XML, "<a>é</a>".encode("latin-1"), {"Content-Type": "application/xml; charset=ISO-8859-1"}
    yield XML, '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode(), {"Content-Type": 'application/xml;charset="utf-8"'}
    yield XML, "<a>é</a>".encode(), {}
    yield XML, "<a>é</a>".encode(), {"Content-Type": "text/xml; charset=nonsense"}
    rows = b"id,name\n1,a\n2,b\n"
    for headers in [{}, {"Content-Encoding": "gzip"}, {"Content-Type": "application/gzip"}, {"Content-Type": "text/csv"}]:
        yield gz(plain), squeezed(rows), headers
        yield gz(plain), rows, headers
        yield gz(plain), squeezed(squeezed(rows)), headers
    yield gz(JSONL), squeezed(b'{"a": 1}\n{"a": 2}\n'), {}
    yield gz(JSON), squeezed(b'[{"a": 1}]'), {}
    yield gz(JSON), squeezed(b"[]"), {}
    yield gz(JSON), squeezed(b"{}"), {}
    yield gz(JSON), squeezed(b"null"), {}
    yield gz(JSON), squeezed(b"broken"), {}
    yield gz(JSON), b"", {}
    yield gz(gz(JSON)), squeezed(squeezed(b'{"a": 1}')), {}
    yield gz(JSONL), squeezed(b'{"a": 1}\n') + squeezed(b'{"a": 2}\n'), {}
    yield gz(JSONL), squeezed(b'{"a": 1}\n')[:-4], {}
    yield gz(JSONL), b"\x1f\x8bnot really", {}
    yield gz(JSONL), b"\x1f", {}
    yield zipped(plain), archive(("a.csv", rows), ("b.csv", b"x\n9\n")), {}
    yield zipped(JSON), archive(("a.json", b'{"a": 1}'), ("b.json", b"[1, 2]"), ("c.json", b"[]")), {}
    yield zipped(JSON), archive(("a.json", b'{"a": 1}'), ("b.json", b"broken")), {}
    yield zipped(JSONL), archive(("d/", b""), ("d/a.jsonl", b'{"a": 1}\n')), {}
    yield zipped(gz(JSONL)), archive(("a.gz", squeezed(b'{"a": 1}\n'))), {}
    yield zipped(JSON), archive(), {}
    yield zipped(JSON), b"no archive", {}
    nested = b'{"data": {"users": [{"id": 1}, {"id": 2, "x": [1, {"y": "]}"}]}, 3, null, [4], "s\\"t"], "item": 7}, "other": [1], "a.b": [5], "a": {"b": [6]}, "n": -1.5}'
    for path in ["data.users", "data", "other", "a.b", "nothing", "data.users.item.x", "data.users.item"]:
        yield items(path), nested, {}
    yield items("item.v"), b'[{"v": [1, 2]}, {"v": [3]}]', {}
    yield items("a"), b'{"a": [1, 2', {}
    yield items("a"), b'{"a": [1, 2], }', {}
    yield items("a"), b'{"a": [1]} {"a": [2]}', {}
    yield items("a"), b"", {}
    yield items("a"), b'{"a": []}', {}
    yield items("a"), b'{"a": [1, 2], "b": nope}', {}
    yield items("a", encoding="latin-1"), '{"a": ["é"]}'.encode("latin-1"), {}
    yield items("\u00e9.x"), '{"é": {"x": [{"é": "☃"}]}}'.encode(), {}
    yield gz(items("a")), squeezed(b' { "a" : [ 1 , { } , [ ] ] } '), {}


def plain_json(value):
    try:
        return orjson.loads(orjson.dumps(value))
    except Exception:
        return json.loads(json.dumps(value).replace("\\ud83d\"", "\\ufffd\""))


def run(node, body, headers):
    model = getattr(models, node["type"]).parse_obj(node)
    decoder = FACTORY._create_component_from_model(model=model, config={})
    response = requests.Response()
    response.status_code = 200
    response.headers.update(headers)
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.raw = HTTPResponse(body=io.BytesIO(body), headers=headers, preload_content=False, decode_content=False)
    if not decoder.is_stream_response():
        response._content = body
    documents, failed = [], False
    try:
        for document in decoder.decode(response):
            documents.append(plain_json(document))
    except Exception:
        failed = True
    return documents, failed


def main():
    lines = []
    for node, body, headers in cases():
        documents, failed = run(node, body, headers)
        case = {"decoder": node, "body": base64.b64encode(body).decode(), "headers": headers, "documents": documents, "failed": failed}
        lines.append(json.dumps(case, separators=(",", ":"), ensure_ascii=False))
    print("[\n" + ",\n".join(lines) + "\n]")


main()

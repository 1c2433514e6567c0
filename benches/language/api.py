"""Serves the same records in pages: `/page?page=N` by number, `/cursor?cursor=TOKEN` by what the page before names.

All records are made before the first request, so that this takes little of the machine while others are measured.
    api.py PORT PAGES RECORDS_PER_PAGE BYTES_PER_RECORD
"""
import asyncio
import json
import sys
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

FILLING = "a record has as much to say as it has " * 40


def record(number, size):
    at = (datetime(2024, 1, 1) + timedelta(seconds=number * 31)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = {
        "id": number, "key": f"{number:08x}-0000-4000-8000-{number:012x}", "name": f"Customer {number}",
        "email": f"customer{number}@example.com", "created_at": at, "updated_at": at, "active": number % 3 != 0,
        "balance": round(number * 1.37, 2), "tags": ["a", f"t{number % 7}"],
        "address": {"street": f"{number} Main Street", "city": "Springfield", "zip": f"{number % 99999:05d}"},
        "plan": {"name": ["free", "pro", "team"][number % 3], "until": None}, "description": "",
    }
    left = size - len(json.dumps(made, separators=(",", ":")))
    made["description"] = FILLING[: max(left, 0)]
    return json.dumps(made, separators=(",", ":"))


def answer(records, rest, status=b"200 OK"):
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(records) + len(rest) + 8)
    return head + b'{"data":' + records + rest


class Connection(asyncio.Protocol):
    def __init__(self, pages):
        self.pages, self.rest = pages, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.rest += data
        while b"\r\n\r\n" in self.rest:
            head, self.rest = self.rest.split(b"\r\n\r\n", 1)
            self.transport.write(self.found(head.split(b" ", 2)[1].decode()))

    def found(self, target):
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        if url.path == "/page":
            page = int(query.get("page", 1))
            return answer(self.records(page - 1), b',"page":%d}' % page)
        if url.path == "/cursor":
            page = int(query.get("cursor", "c-0").removeprefix("c-"))
            following = b'"c-%d"' % (page + 1) if page + 1 < len(self.pages) else b"null"
            return answer(self.records(page), b',"next":' + following + b"}")
        return answer(b"[]", b',"error":"there is no such thing"}', b"404 Not Found")

    def records(self, page):
        return self.pages[page] if page < len(self.pages) else b"[]"


async def main():
    port, pages, per_page, size = map(int, sys.argv[1:5])
    made = [("[" + ",".join(record(page * per_page + place, size) for place in range(per_page)) + "]").encode() for page in range(pages)]
    server = await asyncio.get_running_loop().create_server(lambda: Connection(made), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass

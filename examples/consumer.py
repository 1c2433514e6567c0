#!/usr/bin/env python3
"""Keeps a table of the newest state of every record of a tenant, from the events in Kafka: exactly once, with confluent-kafka.

    consumer.py --brokers localhost:9092 --topics '^syncline\\.acme\\..*' --group my-copy --table my-copy.db [--until-end] [--set name=value]

What makes it right, and what every consumer should do:
  1. It reads committed transactions only (`isolation.level`), so that it never sees a step that was aborted.
  2. Offsets are kept in the same transaction as the rows. After a crash it goes on exactly where the rows are, whatever Kafka knows.
  3. The newest state wins by `ce_entityversion`, not by arrival: a record may come by poll, by webhook and again by replay.
  4. A deletion is kept as a row without data, so that an older state that arrives later does not bring the record back.
"""

import argparse
import sqlite3
import sys

from confluent_kafka import Consumer, KafkaError, TopicPartition

TABLES = """
create table if not exists records (
  tenant text, integration text, stream text, key text, id text not null, version text, deleted integer not null, data text,
  primary key (tenant, integration, stream, key)) without rowid;
create table if not exists offsets (topic text, part integer, next integer not null, primary key (topic, part)) without rowid;
"""


def attributes(message):
    """The CloudEvents attributes of a message in Kafka's binary mode."""
    headers = message.headers() or []
    return {name[3:]: value.decode() for name, value in headers if name.startswith("ce_")}


def payload(event, value):
    """The record's own bytes. With the wire format of a schema registry five bytes stand before them."""
    if value and "dataschema" in event and value[0] == 0:
        value = value[5:]
    return value.decode() if value else None


def is_newer(version, than):
    """Versions are whole numbers of up to 128 bits. Without them, what comes later is newer."""
    return version is None or than is None or int(version) >= int(than)


def apply(table, event, data):
    """Puts one event into the table; one that is known already, or older than what is there, changes nothing."""
    place = (event["tenantid"], event["integrationid"], event["stream"], event["subject"])
    known = table.execute(
        "select id, version from records where (tenant, integration, stream, key) = (?, ?, ?, ?)", place
    ).fetchone()
    version = event.get("entityversion")
    if known and (known[0] == event["id"] or not is_newer(version, known[1])):
        return
    deleted = event["op"] == "delete"
    row = (*place, event["id"], version, deleted, None if deleted else data)
    table.execute("insert or replace into records values (?, ?, ?, ?, ?, ?, ?, ?)", row)


def begin(table, consumer, assigned):
    """Partitions are read from where the table is."""
    for partition in assigned:
        known = table.execute("select next from offsets where (topic, part) = (?, ?)", (partition.topic, partition.partition))
        partition.offset = next((row[0] for row in known), partition.offset)
    consumer.incremental_assign(assigned)


def run(options):
    table = sqlite3.connect(options.table, isolation_level=None)
    table.executescript(TABLES)
    consumer = Consumer(
        {
            "bootstrap.servers": options.brokers,
            "group.id": options.group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "partition.assignment.strategy": "cooperative-sticky",
            **dict(pair.split("=", 1) for pair in options.set),
        }
    )
    at_end = set()
    consumer.subscribe([options.topics], on_assign=lambda consumer, assigned: begin(table, consumer, assigned))
    while not options.until_end or not at_end or {(p.topic, p.partition) for p in consumer.assignment()} - at_end:
        messages = consumer.consume(500, timeout=1.0)
        table.execute("begin immediate")
        for message in messages:
            place = (message.topic(), message.partition())
            if message.error() is None:
                at_end.discard(place)
                event = attributes(message)
                apply(table, event, payload(event, message.value()))
                table.execute("insert or replace into offsets values (?, ?, ?)", (*place, message.offset() + 1))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                at_end.add(place)
            else:
                table.execute("rollback")
                raise SystemExit(f"consumer: {message.error().str()}")
        table.execute("commit")
        if messages:
            # Only so that tools which show the lag of groups know where we are.
            ends = table.execute("select topic, part, next from offsets").fetchall()
            consumer.commit(offsets=[TopicPartition(*end) for end in ends], asynchronous=True)
    consumer.close()
    return table


def show(table):
    """The table as lines: integration, stream, key, version and data, with tabs between."""
    rows = table.execute("select integration, stream, key, version, data from records where not deleted")
    for line in sorted("\t".join(field or "" for field in row) for row in rows):
        print(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="keeps a table of the newest state of every record")
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topics", required=True, help="a topic, or a regular expression that begins with ^")
    parser.add_argument("--group", required=True)
    parser.add_argument("--table", required=True, help="an SQLite file")
    parser.add_argument("--until-end", action="store_true", help="end when everything was read, and print the table")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of librdkafka")
    arguments = parser.parse_args()
    found = run(arguments)
    if arguments.until_end:
        show(found)
    sys.exit(0)

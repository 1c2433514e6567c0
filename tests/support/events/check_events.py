"""Reads every event that was published, as CloudEvents' own package does, and checks headers and data against the contract.

    check_events.py BROKERS TOPICS CONTRACT [NAME=VALUE...]      prints how many events there were
"""

import json
import sys

import jsonschema
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import Consumer, KafkaError


def messages(brokers, topics, settings):
    """Every committed message once."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "check-events",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            **settings,
        }
    )
    consumer.subscribe([topics])
    ended = set()
    while not ended or {(p.topic, p.partition) for p in consumer.assignment()} - ended:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error() is None:
            yield message
        elif message.error().code() == KafkaError._PARTITION_EOF:
            ended.add((message.topic(), message.partition()))
        else:
            raise SystemExit(message.error().str())
    consumer.close()


def main():
    brokers, topics, contract = sys.argv[1:4]
    contract = json.load(open(contract, encoding="utf-8"))
    headers = jsonschema.Draft7Validator(
        contract["components"]["messageTraits"]["cloudevent"]["headers"], format_checker=jsonschema.FormatChecker()
    )
    schemas = {name: jsonschema.Draft7Validator(schema) for name, schema in contract["components"]["schemas"].items()}
    count = checked = 0
    for message in messages(brokers, topics, dict(pair.split("=", 1) for pair in sys.argv[4:])):
        found = dict(message.headers())
        headers.validate({name: value.decode() for name, value in found.items()})
        event = from_binary(KafkaMessage(found, message.key(), message.value()), JSONFormat())
        key = f"{event.get_extension('integrationid')}/{event.get_extension('stream')}/{event.get_subject()}"
        assert message.key().decode() == key, (message.key(), key)
        assert event.get_type() == ".".join(event.get_extension(name) for name in ("connector", "stream", "op"))
        assert event.get_source() == f"/tenants/{event.get_extension('tenantid')}/integrations/{event.get_extension('integrationid')}"
        schema = schemas.get(f"{event.get_extension('connector')}.{event.get_extension('stream')}")
        if schema and event.get_extension("op") == "upsert":
            schema.validate(event.get_data())
            checked += 1
        count += 1
    print(json.dumps({"events": count, "checked": checked}))


main()

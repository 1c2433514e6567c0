"""Reads events in the wire format of schema registries, as Confluent's own client does, and checks each against the schema it names.

    check_framed.py BROKERS TOPICS REGISTRY      prints how many there were
"""

import sys

from confluent_kafka import Consumer, KafkaError
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

brokers, topics, registry = sys.argv[1:]
deserializer = JSONDeserializer(None, schema_registry_client=SchemaRegistryClient({"url": registry}))
consumer = Consumer(
    {"bootstrap.servers": brokers, "group.id": "framed", "auto.offset.reset": "earliest", "enable.partition.eof": True}
)
consumer.subscribe([topics])
count, ended = 0, set()
while not ended or {(p.topic, p.partition) for p in consumer.assignment()} - ended:
    message = consumer.poll(1.0)
    if message is None:
        continue
    if message.error() is not None:
        assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
        ended.add((message.topic(), message.partition()))
        continue
    headers = dict(message.headers())
    number = int.from_bytes(message.value()[1:5], "big")
    assert headers["ce_dataschema"].decode() == f"{registry}/schemas/ids/{number}", headers
    record = deserializer(message.value(), SerializationContext(message.topic(), MessageField.VALUE))
    assert isinstance(record, dict) and str(record["id"]) == headers["ce_subject"].decode(), record
    count += 1
consumer.close()
print(count)

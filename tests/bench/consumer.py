"""What people write: confluent-kafka, orjson, psycopg's COPY; at least once.

    consumer.py BROKERS TOPIC EVENTS

Flattens the generator's events into public.flat, commits PostgreSQL and then
Kafka's offsets every 10,000 records, and ends after so many.
"""
import sys

import orjson
import psycopg
from confluent_kafka import Consumer

brokers, topic, events = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = Consumer({"bootstrap.servers": brokers, "group.id": f"python-{topic}",
                     "auto.offset.reset": "earliest", "enable.auto.commit": False})
consumer.subscribe([topic])
done = 0
with psycopg.connect() as connection:
    while done < events:
        messages = consumer.consume(10000, 0.5)
        if not messages:
            continue
        with connection.cursor().copy("copy public.flat from stdin") as copy:
            for message in messages:
                if message.error():
                    raise SystemExit(message.error())
                event = orjson.loads(message.value())
                record = event["record"] or {}
                collection, _, rkey = event["path"].partition("/")
                subject = record.get("subject")
                nested = isinstance(subject, dict)
                copy.write_row((
                    event["timestamp"] + "Z", event["action"], event["repo"], collection,
                    rkey, event["cid"], subject["uri"] if nested else None,
                    None if nested else subject, record.get("langs"),
                    record.get("createdAt"), record.get("text")))
        connection.commit()
        consumer.commit(asynchronous=False)
        done += len(messages)
consumer.close()

"""What people write: confluent-kafka, orjson, psycopg's COPY; at least once.

    consumer.py BROKERS TOPIC EVENTS

Flattens the generator's events into public.flat, commits PostgreSQL and then
Kafka's offsets every 10,000 records, and ends after so many.
"""
import sys

import psycopg
from confluent_kafka import Consumer

from flat import COLUMNS, row

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
        with connection.cursor().copy(f"copy public.flat ({COLUMNS}) from stdin") as copy:
            for message in messages:
                if message.error():
                    raise SystemExit(message.error())
                copy.write_row(row(message.value()))
        connection.commit()
        consumer.commit(asynchronous=False)
        done += len(messages)
consumer.close()

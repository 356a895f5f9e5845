"""An event of the generator, flattened as people do it; for the rivals."""
import orjson

COLUMNS = ("event_at, operation, did, collection, rkey, cid, subject_uri, subject_did, "
           "langs, created_at, text")


def row(line):
    event = orjson.loads(line)
    record = event["record"] or {}
    collection, _, rkey = event["path"].partition("/")
    subject = record.get("subject")
    nested = isinstance(subject, dict)
    return (event["timestamp"] + "Z", event["action"], event["repo"], collection, rkey,
            event["cid"], subject["uri"] if nested else None, None if nested else subject,
            record.get("langs"), record.get("createdAt"), record.get("text"))

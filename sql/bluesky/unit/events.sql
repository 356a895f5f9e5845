-- unit: bluesky.events
-- description: An event that is delivered again counts once, the earliest time stays, whatever came first.

-- given staging.bluesky_events:
--   event_at,kind,operation,did,collection,rkey,cid,seq
--   2025-03-10 17:54:02Z,commit,create,did:plc:a,app.bsky.feed.like,r1,c1,
--   2025-03-10 17:54:02Z,identity,,did:plc:a,,,,7

-- given staging.bluesky_events:
--   event_at,kind,operation,did,collection,rkey,cid,seq
--   2025-03-10 17:54:01Z,com,c,did:plc:a,app.bsky.feed.like,r1,c1,
--   2025-03-10 17:54:09Z,id,,did:plc:a,,,,7

-- expect:
--   event_at,kind,operation,did,rkey,version,seq
--   2025-03-10 17:54:01Z,commit,create,did:plc:a,r1,c1,
--   2025-03-10 17:54:02Z,identity,,did:plc:a,,,7

-- unit: bluesky.fast_users
-- description: Fifty likes count if they take less than 60 s, to the microsecond.

-- given bluesky.events:
select
    'commit' as kind, 'app.bsky.feed.like' as collection, 'create' as operation,
    l.did, 'r' || l.n as rkey, 'c' || l.n as cid, 'c' || l.n as version,
    timestamptz '2025-03-10 17:54:30Z' + case l.n when 50 then l.last else l.n * interval '1 ms' - interval '1 ms' end as event_at
from (
    select u.did, u.last, n
    from (values
        ('did:plc:fast', interval '59.999999 s'),
        ('did:plc:slow', interval '60 s')
    ) u (did, last)
    cross join generate_series(1, 50) n
) l;

-- expect:
--   user_id,minute
--   did:plc:fast,2025-03-10 17:54:00


-- unit: bluesky.fast_users
-- description: A run that crosses the minute and is completed by late likes is found; no calendar minute holds it.

-- given bluesky.events:
select
    'commit' as kind, 'app.bsky.feed.like' as collection, 'create' as operation,
    'did:plc:a' as did, 'r' || n as rkey, 'c' || n as cid, 'c' || n as version,
    timestamptz '2025-03-10 17:54:40Z' + n * interval '1 s' as event_at
from generate_series(1, 50) n
where n not between 10 and 12;

-- expect:
--   user_id,minute

-- given bluesky.events:
select
    'commit' as kind, 'app.bsky.feed.like' as collection, 'create' as operation,
    'did:plc:a' as did, 'r' || n as rkey, 'c' || n as cid, 'c' || n as version,
    timestamptz '2025-03-10 17:54:40Z' + n * interval '1 s' as event_at
from generate_series(10, 12) n;

-- expect:
--   user_id,minute
--   did:plc:a,2025-03-10 17:54:00

-- Not likes: the run is broken again.
-- gone bluesky.events:
select 'did:plc:a' as did, 'r11' as rkey;

-- expect:
--   user_id,minute

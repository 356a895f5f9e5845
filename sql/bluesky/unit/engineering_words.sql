-- unit: bluesky.engineering_words
-- description: Which posts count, and which words of them.

-- given bluesky.stop_words:
--   word
--   and
--   der

-- given bluesky.events:
select
    'commit' as kind, 'app.bsky.feed.post' as collection, 'create' as operation, 'did:plc:a' as did,
    'r' || p.n as rkey, 'c' || p.n as cid, 'c' || p.n as version, timestamptz '2025-03-10 17:54:00Z' as event_at, p.text
from (values
    (1, 'Software ENGINEERING and software'),              -- any case; a stop word; every occurrence
    (2, '#engineering a b 42 x9y Größe der GRÖSSE'),       -- two letters or more, no digits; ß folds to ss
    (3, 'engineering''s engineering-led software_engineering'),
    (4, 'reengineering bridges'),                          -- a letter before it
    (5, 'engineering2 bridges'),                           -- a digit behind it
    (6, 'see https://example.com/engineering bridges'),    -- only inside a URL
    (7, '@engineering.bsky.social bridges'),               -- only inside a mention
    (8, 'engineering at https://example.com/secret by @someone.bsky.social')
) p (n, text);

-- expect:
--   word,count
--   software,3
--   grösse,2
--   led,1
--   at,1
--   by,1

-- A post that is deleted stays counted; a second load adds to the first.
-- given bluesky.events:
select
    'commit' as kind, 'app.bsky.feed.post' as collection, o.operation, 'did:plc:a' as did,
    'r9' as rkey, 'c9' as cid, 'c9' as version, timestamptz '2025-03-10 17:55:00Z' as event_at, 'engineering software' as text
from (values ('create'), ('update'), ('delete')) o (operation);

-- expect:
--   word,count
--   software,4
--   grösse,2
--   led,1
--   at,1
--   by,1

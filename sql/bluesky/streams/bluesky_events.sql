-- stream: bluesky_events
-- format: json
-- event_time: event_at
-- match: did + time_us + kind | did + time_us + type | payload.did + payload.time | path + repo
-- load: append
-- freshness: warn 12h error 24h
-- description: One row per Bluesky repository operation, identity or account event.
--
-- Five shapes come in, told apart by their keys and never by position:
--
--   Jetstream v1          did, time_us, kind, and commit, identity or account
--   v1 of a v2 server     the same and cursor
--   Jetstream v0          type (com, id, acc) for kind, commit.type (c, u, d) for operation
--   Jetstream v2          everything inside payload, kind in its $type behind the #
--   the ./bluesky script  timestamp (UTC without a zone), action, path, cid, record, repo
--
-- Words are stored as they come: a v0 event has kind com and operation c. The
-- script has no kind, so what tells a repository operation in every shape is
-- that collection is not null; other rows are identity, account or sync events.
--
-- seq is the relay's number where the event has one (identity, account, sync),
-- so that one event has one seq through v1 and v2; else the v2 server's.
-- subject_uri is the post that a like or repost means, subject_did the account
-- that is followed or blocked (for a list block the list): `subject` is an
-- object in the first and a string in the second.
-- event_at is when the network saw the event. created_at is what the client
-- claims, kept as text because it may be anything.
create table staging.bluesky_events (
    event_at     timestamptz not null,  -- from: time_us as epoch_us | payload.time | timestamp as naive_utc
    kind         text,                  -- from: kind | type | payload."$type" after '#'
    operation    text,                  -- from: commit.operation | payload.operation | action | commit.type
    did          text        not null,  -- from: did | payload.did | repo
    collection   text,                  -- from: commit.collection | payload.collection | path before '/'
    rkey         text,                  -- from: commit.rkey | payload.rkey | path after '/'
    rev          text,                  -- from: commit.rev | payload.rev
    cid          text,                  -- from: commit.cid | payload.cid | cid
    seq          bigint,                -- from: identity.seq | account.seq | payload.identity.seq
                                        -- | payload.account.seq | payload.sync.seq | payload.seq
    subject_uri  text,                  -- from: commit.record.subject.uri | payload.record.subject.uri
                                        -- | record.subject.uri | record.uri
    subject_did  text,                  -- from: commit.record.subject | payload.record.subject | record.subject
    text         text,                  -- from: commit.record.text | payload.record.text | record.text
    langs        text[],                -- from: commit.record.langs | payload.record.langs | record.langs
    created_at   text,                  -- from: commit.record.createdAt | payload.record.createdAt | record.createdAt
    loaded_at    timestamptz not null default now()
) partition by range (loaded_at);

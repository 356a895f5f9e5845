-- config:
--   materialized: incremental
--   strategy: merge
--   unique_key: [rkey, did, collection, operation, kind, version, seq]
--   order_by: event_at, rev, cid, subject_uri, subject_did, text, langs, created_at
--   tags: [daily, every_30_mins]
-- description: One row per event of the network, however often it was delivered:
--   a commit is known by did, collection, rkey, operation and its version (cid,
--   or the rev where there is none), an identity or account event by did, kind
--   and the relay's seq.  Of doubles with different times the earliest stays.
-- tests:
--   - unique: [rkey, did, collection, operation, kind, version, seq]
--   - not_null: [event_at]
--   - not_null: [did]
--   - not_null: [kind]
--   - accepted_values: operation [create, update, delete]   severity=warn
--   - expression: (kind = 'commit') or version is null
with

-- one spelling for what the five shapes of input call by different names; the
-- shape without a kind holds commits only
delivered as (

    select
        e.event_at,
        case
            when e.kind is null or e.kind in ('commit', 'com') then 'commit'
            when e.kind in ('identity', 'id') then 'identity'
            when e.kind in ('account', 'acc') then 'account'
            else e.kind
        end as kind,
        case e.operation
            when 'c' then 'create'
            when 'u' then 'update'
            when 'd' then 'delete'
            else e.operation
        end as operation,
        e.did,
        e.collection,
        e.rkey,
        e.rev,
        e.cid,
        e.seq,
        e.subject_uri,
        e.subject_did,
        e.text,
        e.langs,
        e.created_at
    from staging.bluesky_events e
    where /*+ incremental(e.event_at) */ true

)

select
    d.event_at,
    d.kind,
    d.operation,
    d.did,
    d.collection,
    d.rkey,
    d.rev,
    d.cid,
    case when d.kind = 'commit' then coalesce(d.cid, d.rev) end as version,
    case when d.kind <> 'commit' then d.seq end as seq,
    d.subject_uri,
    d.subject_did,
    d.text,
    d.langs,
    d.created_at
from delivered d

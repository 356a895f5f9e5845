-- The shortest SQL that keeps two tables of the pack bluesky up to date, as one
-- would write it by hand:  psql -1 -v since=TIMESTAMP, for by_hand.sh.  It loses
-- loads that commit late, keeps of doubles the first that comes, does not tell
-- what goes from events, and has no tests.
set local role by_hand;
set local work_mem = '64MB';
set local max_parallel_workers_per_gather = 0;

\echo events
with delivered as (
    select e.*,
        case
            when e.kind is null or e.kind in ('commit', 'com') then 'commit'
            when e.kind in ('identity', 'id') then 'identity'
            when e.kind in ('account', 'acc') then 'account'
            else e.kind
        end as kind_of,
        case e.operation
            when 'c' then 'create'
            when 'u' then 'update'
            when 'd' then 'delete'
            else e.operation
        end as operation_of
    from staging.bluesky_events e
    where e.loaded_at > :'since'
)
insert into by_hand.events (event_at, kind, operation, did, collection, rkey, rev, cid,
    version, seq, subject_uri, subject_did, text, langs, created_at)
select d.event_at, d.kind_of, d.operation_of, d.did, d.collection, d.rkey, d.rev, d.cid,
    case when d.kind_of = 'commit' then coalesce(d.cid, d.rev) end,
    case when d.kind_of <> 'commit' then d.seq end,
    d.subject_uri, d.subject_did, d.text, d.langs, d.created_at
from delivered d
on conflict do nothing;

\echo likes_per_user
insert into by_hand.likes_per_user as t (user_id, likes)
select did, count(*)
from by_hand.events
where loaded_at = now() and kind = 'commit' and operation = 'create' and collection = 'app.bsky.feed.like'
group by 1
on conflict (user_id) do update set likes = t.likes + excluded.likes;

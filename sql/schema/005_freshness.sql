-- min_program: 1
-- How old the news of a stream may be: what its file says, for monitors.
set local role millrace_owner;

create table millrace.freshness (
    relation    text    primary key,
    by_event    boolean not null,   -- the newest event time counts, else the newest load
    warn_after  interval,
    error_after interval
);
grant select, insert, update, delete on millrace.freshness to millrace_aggregate;

-- The newest event of a relation without reading its ledger.
create index on millrace.load (relation, event_max) where event_max is not null;

create or replace view millrace.status as
with recursive touched (relation) as (
    select min(relation) from millrace.load
    union all
    select (select min(l.relation) from millrace.load l where l.relation > t.relation)
    from touched t where t.relation is not null
), stream as (
    select relation from touched where relation like 'staging.%' or relation = 'millrace.reject'
    union
    select relation from millrace.freshness
)
select 'stream' as kind, s.relation as name, newest.loaded_at as loaded_through,
    recent.loads, recent.rows, recent.rejects, null::text as last_status,
    null::timestamptz as complete_through,
    newest.event_at as newest_event,
    case when f.relation is null then null
        when coalesce(now() - case when f.by_event then newest.event_at else newest.loaded_at end > f.error_after,
                      f.error_after is not null) then 'error'
        when coalesce(now() - case when f.by_event then newest.event_at else newest.loaded_at end > f.warn_after,
                      f.warn_after is not null) then 'warn'
        else 'pass' end as freshness
from stream s
left join millrace.freshness f on f.relation = s.relation
cross join lateral (
    select (select max(l.loaded_at) from millrace.load l where l.relation = s.relation) as loaded_at,
        (select max(l.event_max) from millrace.load l where l.relation = s.relation and l.event_max is not null) as event_at
) newest
cross join lateral (
    select count(*) as loads, coalesce(sum(l.row_count), 0) as rows, coalesce(sum(l.reject_count), 0) as rejects
    from millrace.load l
    where l.relation = s.relation and l.loaded_at > now() - interval '24 hours'
) recent
union all
select m.materialized, m.model, m.loaded_through, null, null, null, r.status, m.complete_through, null, null
from millrace.model m
left join millrace.run_model r on r.run_id = m.last_run and r.model = m.model;
reset role;

-- min_program: 1
-- Loads that a model is to do without.
set local role millrace_owner;

create table millrace.excluded (
    model       text        not null,
    load_id     bigint      not null,
    relation    text        not null,  -- of the load
    loaded_at   timestamptz not null,
    excluded_at timestamptz not null default now(),
    excluded_by text        not null default session_user,
    primary key (model, load_id)
);
grant select, insert, delete on millrace.excluded to millrace_aggregate;

alter table millrace.model
    add column queued text;  -- why it is rebuilt by the next run, whatever is new

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
        else 'pass' end as freshness,
    null::bigint as excluded_loads
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
select m.materialized, m.model, m.loaded_through, null, null, null, r.status, m.complete_through, null, null,
    (select count(*) from millrace.excluded e where e.model = m.model)
from millrace.model m
left join millrace.run_model r on r.run_id = m.last_run and r.model = m.model;
reset role;

-- min_program: 1
-- complete_through: up to when nothing is missing any more.
set local role millrace_owner;

-- A load with loaded_at at or before sealed_at, less the time that its writer
-- may take from `begin` to drawing its xid, can no longer become visible:
-- candidate_xid is drawn after candidate_at was read, and the candidate is
-- sealed once no transaction with an older xid runs.
alter table millrace.seal
    add column candidate_at timestamptz not null default now(),
    add column sealed_at    timestamptz;
update millrace.seal set candidate_xid = pg_current_xact_id();  -- drawn after candidate_at

alter table millrace.model
    add column complete_through timestamptz;  -- no load at or before it can still appear, in anything the model is made from

-- What is known of a relation that models read and no model makes.
create table millrace.source (
    relation text primary key,
    guard    interval    -- its writers take at most that long from `begin` to their first row; null: no promise
);
grant select on millrace.source to millrace_ingest, millrace_aggregate;

create or replace view millrace.status as
with recursive touched (relation) as (
    select min(relation) from millrace.load
    union all
    select (select min(l.relation) from millrace.load l where l.relation > t.relation)
    from touched t where t.relation is not null
)
select 'stream' as kind, t.relation as name,
    (select max(l.loaded_at) from millrace.load l where l.relation = t.relation) as loaded_through,
    recent.loads, recent.rows, recent.rejects, null::text as last_status,
    null::timestamptz as complete_through
from touched t
cross join lateral (
    select count(*) as loads, coalesce(sum(l.row_count), 0) as rows, coalesce(sum(l.reject_count), 0) as rejects
    from millrace.load l
    where l.relation = t.relation and l.loaded_at > now() - interval '24 hours'
) recent
where t.relation like 'staging.%' or t.relation = 'millrace.reject'
union all
select m.materialized, m.model, m.loaded_through, null, null, null, r.status, m.complete_through
from millrace.model m
left join millrace.run_model r on r.run_id = m.last_run and r.model = m.model;
reset role;

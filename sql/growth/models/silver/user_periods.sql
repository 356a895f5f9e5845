-- config:
--   materialized: incremental
--   strategy: append
--   unique_key: [user_id, grain, period]
--   tags: [daily]
-- description: The days, weeks (from Monday) and months in which a user was active.
-- tests:
--   - unique: [user_id, grain, period]
select distinct
    e.user_id,
    g.grain,
    date_trunc(g.grain, e.event_time)::date as period
from growth.fact_events e
cross join (values ('day'), ('week'), ('month')) g (grain)
where /*+ incremental(e.user_id) */ true

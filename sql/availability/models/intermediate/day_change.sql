-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [date]
--   rows: changes
--   tags: [daily]
-- description: By how many the active professionals change on a day.
-- tests:
--   - unique: [date]
--   - not_null: [date]
select
    c.date,
    count(*) as changes,
    coalesce(sum(c.change), 0) as change
from availability.status_changes c
where /*+ incremental(c.professional_id) */ true
group by 1

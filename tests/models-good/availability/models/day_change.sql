-- config:
--   strategy: delta
--   unique_key: [date]
--   rows: n
select c.date, count(*) as n, sum(c.change)::bigint as change from availability.changes c where /*+ incremental(c.professional_id) */ true group by 1

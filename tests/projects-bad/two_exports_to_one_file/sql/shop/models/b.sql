-- config:
--   export: metrics/x.csv order by a
select 1 as a

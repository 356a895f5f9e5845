-- config:
--   lag: 30s
select 1 as a

-- config:
--   colour: 30s
select 1 as a

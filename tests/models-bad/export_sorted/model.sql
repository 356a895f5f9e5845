-- config:
--   export: likes.csv sorted by a
select 1 as a

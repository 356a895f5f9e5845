-- config:
--   export: likes.txt
select 1 as a

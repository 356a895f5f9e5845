-- config:
--   export: ../likes.csv order by a
select 1 as a

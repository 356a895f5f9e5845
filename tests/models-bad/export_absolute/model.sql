-- config:
--   export: /tmp/likes.csv
select 1 as a

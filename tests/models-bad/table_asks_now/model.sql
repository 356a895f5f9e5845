-- config:
--   materialized: table
select 1 as a
where now () > '2020-01-01'

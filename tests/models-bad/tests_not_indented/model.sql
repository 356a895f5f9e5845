-- config:
--   materialized: table
-- tests:
-- - not_null: [a]
select 1 as a

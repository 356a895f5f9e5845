-- config:
--   materialized: table
select o.id, o.at from staging.orders o

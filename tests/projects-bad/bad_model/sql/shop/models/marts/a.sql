-- config:
--   materialized: vieww
select 1 as x

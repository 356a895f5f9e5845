-- config:
--   materialized: incremental
--   strategy: check
--   unique_key: id
--   check_cols: all
select u.id, u.postcode
from staging.users u
where /*+ incremental(u.id) */ true

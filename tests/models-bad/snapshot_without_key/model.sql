-- config:
--   materialized: snapshot
--   strategy: check
--   check_cols: all
select u.id, u.postcode
from staging.users u
where /*+ incremental(u.id) */ true

-- config:
--   materialized: snapshot
--   strategy: check
--   unique_key: id
--   check_cols: all
--   hard_deletes: invalidated
select u.id, u.postcode
from staging.users u
where /*+ incremental(u.id) */ true

-- config:
--   materialized: snapshot
--   strategy: check
--   unique_key: id
--   check_cols: all
select u.id, u.postcode
from staging.users u
where /*+ incremental(u.id) */ true
union all
select v.id, v.postcode
from staging.visitors v
where /*+ incremental(v.id) */ true

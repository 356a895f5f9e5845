-- config:
--   materialized: snapshot
--   strategy: check
--   unique_key: id
--   check_cols: [post_code]
select u.id, u.postcode
from staging.users u
where /*+ incremental(u.id) */ true

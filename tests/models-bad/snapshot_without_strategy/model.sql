-- config:
--   materialized: snapshot
--   unique_key: id
select u.id, u.postcode
from staging.users u
where /*+ incremental(u.id) */ true

-- config:
--   materialized: snapshot
--   strategy: check
--   unique_key: id
--   check_cols: all
--   lookups: [p.names]
select u.id, u.postcode, n.name
from staging.users u
left join p.names n on n.id = u.id
where /*+ incremental(u.id) */ true

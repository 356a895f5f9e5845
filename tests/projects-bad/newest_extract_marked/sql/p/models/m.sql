-- config:
--   strategy: merge
--   unique_key: id
--   order_by: id
select u.id from staging.users_current u where /*+ incremental(u.id) */ true

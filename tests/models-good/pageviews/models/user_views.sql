-- config:
--   strategy: delta
--   unique_key: [user_id, viewed_at]
--   rows: n
select v.user_id, v.viewed_at, count(*) as n from staging.pageviews v where /*+ incremental(v.viewed_at) */ true group by 1,2

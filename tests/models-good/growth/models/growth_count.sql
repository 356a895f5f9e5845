-- config:
--   strategy: delta
--   unique_key: [grain, period, country, user_category]
--   rows: user_count
select c.grain, c.period, c.country, c.user_category, count(*) as user_count from growth.user_category c where /*+ incremental(c.user_id) */ true group by 1,2,3,4

-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [grain, period, country, user_category]
--   rows: user_count
--   tags: [daily]
-- description: Users per grain, period, country and category, with those who churn
--   in the period after the last one.
-- tests:
--   - unique: [grain, period, country, user_category]
select
    c.grain,
    c.period,
    c.country,
    c.user_category,
    count(*) as user_count
from growth.user_categories c
where /*+ incremental(c.user_id) */ true
group by 1, 2, 3, 4

-- config:
--   materialized: view
--   tags: [daily]
select c.period, c.country, c.user_category, c.user_count, coalesce(sum(c.user_count) filter (where c.user_category<>'churned_users') over (partition by c.period, c.country), 0)::bigint as active_users
from growth.growth_count c where c.grain='day' and c.period <= (select max(x.period) from growth.growth_count x where x.grain='day' and x.user_category<>'churned_users')

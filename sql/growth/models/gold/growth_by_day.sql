-- config:
--   materialized: view
--   tags: [daily]
-- description: Growth accounting per day, and country.  It ends with the newest
--   period in which anybody was active; never with the clock.
-- tests:
--   - unique: [period, country, user_category]
--   - not_null: [period]
--   - not_null: [country]
--   - accepted_values: user_category [new_users, retained_users, resurrected_users, churned_users]
--   - expression: active_users >= 0
select
    c.period,
    c.country,
    c.user_category,
    c.user_count,
    coalesce(sum(c.user_count) filter (where c.user_category <> 'churned_users')
        over (partition by c.period, c.country), 0)::bigint as active_users
from growth.growth_counts c
where c.grain = 'day'
    and c.period <= (
        select max(a.period) from growth.growth_counts a
        where a.grain = 'day' and a.user_category <> 'churned_users'
    )

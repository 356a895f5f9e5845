-- config:
--   materialized: view
--   tags: [daily]
-- description: Of the users whose first active day it was, how many were active
--   exactly N days later, and their share in percent; NULL while day N lies beyond
--   the newest event.
-- tests:
--   - unique: [cohort_date, country]
--   - not_null: [cohort_date]
--   - not_null: [country]
--   - expression: d0_rate = 100
with

newest as (

    select max(g.period) as day
    from growth.growth_counts g
    where g.grain = 'day' and g.user_category <> 'churned_users'

)

select
    c.cohort_date,
    c.country,
    c.cohort_size,
    case when c.cohort_date + 0 <= l.day then c.cohort_size end as d0_retained,
    case when c.cohort_date + 0 <= l.day then round(100.0 * c.cohort_size / c.cohort_size, 1) end as d0_rate,
    case when c.cohort_date + 1 <= l.day then c.d1 end as d1_retained,
    case when c.cohort_date + 1 <= l.day then round(100.0 * c.d1 / c.cohort_size, 1) end as d1_rate,
    case when c.cohort_date + 7 <= l.day then c.d7 end as d7_retained,
    case when c.cohort_date + 7 <= l.day then round(100.0 * c.d7 / c.cohort_size, 1) end as d7_rate,
    case when c.cohort_date + 30 <= l.day then c.d30 end as d30_retained,
    case when c.cohort_date + 30 <= l.day then round(100.0 * c.d30 / c.cohort_size, 1) end as d30_rate,
    case when c.cohort_date + 60 <= l.day then c.d60 end as d60_retained,
    case when c.cohort_date + 60 <= l.day then round(100.0 * c.d60 / c.cohort_size, 1) end as d60_rate,
    case when c.cohort_date + 90 <= l.day then c.d90 end as d90_retained,
    case when c.cohort_date + 90 <= l.day then round(100.0 * c.d90 / c.cohort_size, 1) end as d90_rate
from growth.cohort_counts c
cross join newest l

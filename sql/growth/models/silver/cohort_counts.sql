-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [cohort_date, country]
--   rows: cohort_size
--   tags: [daily]
-- description: Cohorts, and how many of their users were active on day N.
-- tests:
--   - unique: [cohort_date, country]
select
    c.cohort_date,
    c.country,
    count(*) as cohort_size,
    coalesce(sum(c.d1), 0) as d1,
    coalesce(sum(c.d7), 0) as d7,
    coalesce(sum(c.d30), 0) as d30,
    coalesce(sum(c.d60), 0) as d60,
    coalesce(sum(c.d90), 0) as d90
from growth.user_cohorts c
where /*+ incremental(c.user_id) */ true
group by 1, 2

-- config:
--   materialized: view
select r.cohort_date, r.country, r.cohort_size, case when r.cohort_date + 1 <= l.last then r.d1 end as d1, case when r.cohort_date + 7 <= l.last then r.d7 end as d7, case when r.cohort_date + 30 <= l.last then r.d30 end as d30
from growth.retention_count r, (select max(x.period) as last from growth.growth_count x where x.grain='day' and x.user_category<>'churned_users') l

-- config:
--   strategy: delta
--   unique_key: [cohort_date, country]
--   rows: cohort_size
select u.cohort_date, u.country, count(*) as cohort_size, sum(u.d1)::bigint as d1, sum(u.d7)::bigint as d7, sum(u.d30)::bigint as d30 from growth.user_cohort u where /*+ incremental(u.user_id) */ true group by 1,2

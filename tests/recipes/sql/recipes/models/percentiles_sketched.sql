-- config:
--   materialized: view
-- description: Within 1 % of the exact ones, by month or any other grain.
select c.page, c.month,
    min(2 * power(1.02, c.bucket) / 2.02) filter (where c.reached >= 0.5 * c.total)  as p50,
    min(2 * power(1.02, c.bucket) / 2.02) filter (where c.reached >= 0.95 * c.total) as p95
from (
    select s.page, s.month, s.bucket,
        sum(s.n) over (partition by s.page, s.month order by s.bucket) as reached,
        sum(s.n) over (partition by s.page, s.month)                   as total
    from (
        select k.page, date_trunc('month', k.day)::date as month, k.bucket, sum(k.n) as n
        from recipes.sketch k
        group by 1, 2, 3
    ) s
) c
group by 1, 2

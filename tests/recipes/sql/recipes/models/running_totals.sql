-- config:
--   materialized: view
-- description: Visits up to and with each day.
select p.day, sum(p.visits) as visits, sum(sum(p.visits)) over (order by p.day) as so_far
from recipes.page_visits p
group by p.day

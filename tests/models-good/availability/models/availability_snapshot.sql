-- config:
--   materialized: view
select d::date as date, coalesce(sum(c.change) over (order by d), 0)::bigint as active_professionals
from generate_series((select min(date) from availability.events_by_day), date '2020-03-20', interval '1 day') d left join availability.day_change c on c.date = d::date

-- config:
--   materialized: view
--   tags: [daily]
--   export: metrics/active-professionals.csv order by date
-- description: Active professionals per day, from the day of the first event to
--   the last day of the settings, days without a change included.
-- tests:
--   - unique: [date]
--   - not_null: [date]
--   - expression: active_professionals >= 0
select
    d.date,
    (sum(coalesce(c.change, 0)) over (order by d.date))::bigint as active_professionals
from availability.dates d
left join availability.day_change c on c.date = d.date

-- config:
--   materialized: view
--   tags: [daily, monthly]
-- description: The calendar, from the day of the first event to the last day of
--   the settings.  Saturday and Sunday are the weekend, weeks begin on Monday.
-- tests:
--   - unique: [date]
--   - not_null: [date]
with

days as (

    select generate_series(
        (select min(e.date) from availability.events_by_day e)::timestamp,
        (select s.last_day from availability.settings s)::timestamp,
        interval '1 day'
    )::date as date

)

select
    d.date,
    extract(year from d.date)::int as year,
    extract(quarter from d.date)::int as quarter,
    extract(month from d.date)::int as month,
    extract(day from d.date)::int as day_of_month,
    extract(doy from d.date)::int as day_of_year,
    extract(isodow from d.date)::int as day_of_week,
    to_char(d.date, 'FMDay') as day_name,
    to_char(d.date, 'FMMonth') as month_name,
    extract(isoyear from d.date)::int as iso_year,
    extract(week from d.date)::int as iso_week,
    date_trunc('week', d.date::timestamp)::date as week_start,
    date_trunc('month', d.date::timestamp)::date as month_start,
    extract(isodow from d.date) >= 6 as is_weekend
from days d

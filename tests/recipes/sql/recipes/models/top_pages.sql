-- config:
--   materialized: view
-- description: The three most visited pages of each day.
select t.day, t.place, t.page, t.visits
from (
    select p.day, p.page, p.visits,
        row_number() over (partition by p.day order by p.visits desc, p.page collate "C") as place
    from recipes.page_visits p
) t
where t.place <= 3

-- config:
--   materialized: view
--   tags: [daily]
-- description: Interactions per country, event type and category, and their share
--   in percent of those of the country and type.
-- tests:
--   - not_null: [country]
--   - not_null: [event_type]
--   - expression: interactions > 0
--   - expression: perc between 0 and 100
select
    i.country,
    i.event_type,
    i.transaction_category,
    i.interactions,
    round(100 * i.interactions / sum(i.interactions) over (partition by i.country, i.event_type), 1) as perc
from growth.interaction_counts i

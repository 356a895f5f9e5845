-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [country, event_type, transaction_category]
--   rows: interactions
--   tags: [daily]
-- description: Events per country, type and category.
-- tests:
--   - not_null: [country]
select
    e.country,
    e.event_type,
    e.transaction_category,
    coalesce(sum(e.events), 0) as interactions
from growth.user_country_events e
where /*+ incremental(e.user_id) */ true
group by 1, 2, 3

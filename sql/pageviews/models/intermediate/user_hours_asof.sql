-- config:
--   materialized: incremental
--   strategy: recompute
--   by: [user_id, hour hour]
--   unique_key: [user_id, hour]
--   tags: [hourly]
-- description: Page views per user and hour under the postcode of that time.
--   Before the first version of a user counts the first, after leaving the last.
-- tests:
--   - unique: [user_id, hour]
select
    p.user_id,
    p.hour,
    coalesce(u.postcode, 'UNKNOWN') as postcode,
    p.num_pageviews
from pageviews.user_pageviews_by_hour p
left join lateral (

    select h.postcode
    from pageviews.users_history h
    where h.user_id = p.user_id
        and /*+ incremental(h.user_id, *) */ true
    order by
        h.dbt_valid_from <= p.hour desc,
        case when h.dbt_valid_from <= p.hour then h.dbt_valid_from end desc,
        h.dbt_valid_from
    limit 1

) u on true
where /*+ incremental(p.user_id, p.hour) */ true

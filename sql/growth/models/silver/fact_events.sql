-- config:
--   materialized: incremental
--   strategy: append
--   unique_key: [event_id]
--   tags: [daily]
-- description: One row per event.  Its id is made of what it says, so that a row
--   delivered twice, in whatever file, is one event.
-- tests:
--   - unique: [event_id]
--   - not_null: [event_id]
--   - accepted_values: event_type [miles_earned, miles_redeemed, reward_search, share, like]   severity=warn
--   - expression: miles_amount is null or event_type in ('miles_earned', 'miles_redeemed')   severity=warn
select
    md5(jsonb_build_array(
        extract(epoch from s.event_time), s.user_id, s.event_type, s.transaction_category,
        trim_scale(s.miles_amount), s.platform, s.utm_source, s.country
    )::text) as event_id,
    s.event_time at time zone 'UTC' as event_time,
    s.user_id,
    s.event_type,
    s.transaction_category,
    trim_scale(s.miles_amount) as miles_amount,
    s.platform,
    s.utm_source,
    s.country
from staging.growth_events s
where /*+ incremental(s.event_time) */ true

-- stream: growth_events
-- format: csv
-- event_time: event_time
-- load: append
-- freshness: warn 36h error 72h on loaded_at
-- description: One row per line of the daily files, as it came (bronze).  Files may
--   repeat rows; event_time has no zone and is UTC.
create table staging.growth_events (
    event_time            timestamptz not null,  -- from: event_time as naive_utc
    user_id               text        not null,  -- from: user_id
    event_type            text        not null,  -- from: event_type
    transaction_category  text,                  -- from: transaction_category
    miles_amount          numeric,               -- from: miles_amount
    platform              text,                  -- from: platform
    utm_source            text,                  -- from: utm_source
    country               text,                  -- from: country
    loaded_at             timestamptz not null default now()
) partition by range (loaded_at);

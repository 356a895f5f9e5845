-- stream: availability_events
-- format: csv delimiter=;
-- event_time: created_at
-- load: append
-- freshness: warn 36h error 7d on loaded_at
-- description: One row per line of the event log of professionals, as it came:
--   a line delivered twice is here twice.  created_at has no zone and is UTC.
create table staging.availability_events (
    event_id         bigint      not null,  -- from: event_id
    event_type       text        not null,  -- from: event_type
    professional_id  bigint      not null,  -- from: professional_id_anonymized | professional_id
    created_at       timestamptz not null,  -- from: created_at as naive_utc
    meta_data        text,                  -- from: meta_data
    loaded_at        timestamptz not null default now()
) partition by range (loaded_at);

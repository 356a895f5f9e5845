-- stream: growth_events
create table staging.growth_events (
    event_time  timestamp not null,
    user_id     bigint not null,
    event_type  text,
    country     text,
    loaded_at   timestamptz not null default now()
) partition by range (loaded_at);

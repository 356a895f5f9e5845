-- stream: availability_events
create table staging.availability_events (
    event_id         bigint not null,
    event_type       text,
    professional_id  bigint,
    created_at       timestamp,
    meta_data        text,
    loaded_at        timestamptz not null default now()
) partition by range (loaded_at);

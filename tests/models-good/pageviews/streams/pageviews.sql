-- stream: pageviews
create table staging.pageviews (
    user_id     bigint not null,
    url         text,
    viewed_at   timestamp not null,
    loaded_at   timestamptz not null default now()
) partition by range (loaded_at);

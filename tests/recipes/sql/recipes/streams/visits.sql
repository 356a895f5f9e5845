-- stream: visits
-- format: json
-- event_time: at
-- load: append
-- description: Page visits; a visit may be delivered twice.
create table staging.visits (
    visit_id  bigint      not null,  -- from: visit_id
    user_id   text        not null,  -- from: user_id
    page      text        not null,  -- from: page
    ms        numeric     not null,  -- from: ms
    at        timestamptz not null,  -- from: at as naive_utc
    loaded_at timestamptz not null default now()
) partition by range (loaded_at);

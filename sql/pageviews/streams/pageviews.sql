-- stream: pageviews
-- format: json | csv
-- event_time: viewed_at
-- match: user_id + url + pageview_datetime | user_id + url + timestamp
-- load: append
-- freshness: warn 2h error 12h
-- description: One row per page view; equal rows are different views.
--
-- user_id is text: some producers send numbers beyond 2^53, some strings, some
-- both, and 0 and '' are ids like any other. A number keeps its digits.
-- viewed_at is a written time, UTC where it has no zone, or seconds since 1970
-- (with a fraction if need be). Milliseconds would lie beyond the year 9999,
-- so they are rejected and not misread.
-- url is stored as it comes: percent escapes may hide NUL and broken UTF-8.
create table staging.pageviews (
    user_id    text        not null,  -- from: user_id | user_id as number_text
    url        text        not null,  -- from: url
    viewed_at  timestamptz not null,  -- from: pageview_datetime as naive_utc | pageview_datetime as epoch_s
                                      -- | timestamp as naive_utc | timestamp as epoch_s
    loaded_at  timestamptz not null default now()
) partition by range (loaded_at);

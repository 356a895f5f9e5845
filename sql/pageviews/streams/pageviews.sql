-- stream: pageviews
-- format: json | csv missing=null
-- event_time: viewed_at
-- match: user_id + url + pageview_datetime | user_id + url + timestamp
-- match: type = 'page' + messageId | event = 'page_view' + page_url | event = '$pageview' + distinct_id
-- match: n = 'pageview' + u | name = 'pageview' + domain + url | type = 'event' + payload.website + !payload.name
-- load: append
-- freshness: warn 2h error 12h on loaded_at
-- description: One row per page view; equal rows are different views.
--
-- The shapes, in the order of match: plain events; page events of Segment,
-- RudderStack and Jitsu; Snowplow's enriched JSON; PostHog; Plausible; Umami.
-- Their other events (track, page_ping, $autocapture, ...) are no page views:
-- they become rejects, unless another stream takes them.
--
-- user_id is text: some producers send numbers beyond 2^53, some strings, some
-- both, and 0 and '' are ids like any other. A number keeps its digits. Where
-- nobody is logged in it is the visitor's id. Plausible and Umami may know
-- neither visitor nor time: the key and the time of the Kafka record stand in.
-- viewed_at is a written time, UTC where it has no zone, or seconds since 1970
-- (with a fraction if need be). Milliseconds would lie beyond the year 9999,
-- so they are rejected and not misread.
-- url is stored as it comes: percent escapes may hide NUL and broken UTF-8.
create table staging.pageviews (
    user_id    text        not null,  -- from: user_id | user_id as number_text | userId | userId as number_text
                                      -- | anonymousId | domain_userid | network_userid
                                      -- | distinct_id | distinct_id as number_text | payload.id | @key
    url        text        not null,  -- from: url | page_url | properties.url | context.page.url
                                      -- | properties."$current_url" | payload.url | u
    viewed_at  timestamptz not null,  -- from: pageview_datetime as naive_utc | pageview_datetime as epoch_s
                                      -- | derived_tstamp as naive_utc | collector_tstamp as naive_utc
                                      -- | timestamp as naive_utc | timestamp as epoch_s
                                      -- | originalTimestamp as naive_utc | receivedAt as naive_utc
                                      -- | properties."$time" as epoch_s | payload.timestamp as epoch_s | @timestamp
    loaded_at  timestamptz not null default now()
) partition by range (loaded_at);

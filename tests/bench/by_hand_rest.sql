-- The other tables of the pack, behind by_hand_two.sql in its transaction; no
-- exports, no stop words.
\echo likes_per_minute
insert into by_hand.likes_per_minute as t (time, likes)
select date_trunc('minute', event_at at time zone 'UTC'), count(*)
from by_hand.events
where loaded_at = now() and kind = 'commit' and operation = 'create' and collection = 'app.bsky.feed.like'
group by 1
on conflict (time) do update set likes = t.likes + excluded.likes;

\echo posts_by_hour
insert into by_hand.posts_by_hour as t (day_of_week, hour_of_day, number_of_posts)
select extract(dow from event_at at time zone 'UTC')::int,
    extract(hour from event_at at time zone 'UTC')::int, count(*)
from by_hand.events
where loaded_at = now() and kind = 'commit' and operation = 'create' and collection = 'app.bsky.feed.post'
group by 1, 2
on conflict (day_of_week, hour_of_day) do update set number_of_posts = t.number_of_posts + excluded.number_of_posts;

\echo posts_by_language
insert into by_hand.posts_by_language as t (date, language, posts)
select (e.event_at at time zone 'UTC')::date, l.language, count(*)
from by_hand.events e
cross join lateral (
    select distinct coalesce(nullif(split_part(lower(tag collate "C"), '-', 1), ''), 'unknown') as language
    from unnest(case when cardinality(e.langs) > 0 then e.langs else array[null::text] end) tag
) l
where e.loaded_at = now() and e.kind = 'commit' and e.operation = 'create' and e.collection = 'app.bsky.feed.post'
group by 1, 2
on conflict (date, language) do update set posts = t.posts + excluded.posts;

\echo engineering_words
insert into by_hand.engineering_words as t (word, count)
select w.word, count(*)
from by_hand.events e
cross join lateral (
    select lower(m[1]) as word from regexp_matches(e.text, '[[:alpha:]]{2,}', 'g') m
) w
where e.loaded_at = now() and e.kind = 'commit' and e.operation = 'create' and e.collection = 'app.bsky.feed.post'
    and e.text collate "C" ~* 'engineering'
group by 1
on conflict (word) do update set count = t.count + excluded.count;

\echo user_days, dau
with days as (
    insert into by_hand.user_days as t (user_id, date, events)
    select did, (event_at at time zone 'UTC')::date, count(*)
    from by_hand.events
    where loaded_at = now() and kind = 'commit' and operation = 'create'
    group by 1, 2
    on conflict (user_id, date) do update set events = t.events + excluded.events
    returning date, xmax = 0 as is_new
)
insert into by_hand.dau as t (date, users)
select date, count(*) filter (where is_new) from days group by 1
on conflict (date) do update set users = t.users + excluded.users;

\echo fast_users
insert into by_hand.fast_users (user_id, minute)
select distinct did, date_trunc('minute', event_at at time zone 'UTC')
from (
    select e.did, e.event_at,
        lead(e.event_at, 49) over (partition by e.did order by e.event_at) as fiftieth_at
    from (
        select did, min(event_at) as since
        from by_hand.events
        where loaded_at = now() and kind = 'commit' and operation = 'create' and collection = 'app.bsky.feed.like'
        group by 1
        offset 0
    ) n
    join by_hand.events e on e.did = n.did and e.event_at > n.since - interval '60 seconds'
    where e.kind = 'commit' and e.operation = 'create' and e.collection = 'app.bsky.feed.like'
) l
where l.fiftieth_at < l.event_at + interval '60 seconds'
on conflict do nothing;

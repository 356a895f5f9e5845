-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [date, language]
--   rows: posts
--   tags: [daily]
-- description: Posts per day (UTC) and language, by the first subtag of the
--   language tags (pt-BR is pt).  A post in two languages counts in both, one
--   without any as "unknown".
-- tests:
--   - unique: [date, language]
--   - not_null: [date]
--   - not_null: [language]
--   - expression: posts > 0
select
    (e.event_at at time zone 'UTC')::date as date,
    l.language,
    count(*) as posts
from bluesky.events e
cross join lateral (
    select distinct
        coalesce(nullif(split_part(lower(t.tag collate "C"), '-', 1), ''), 'unknown') as language
    from unnest(case when cardinality(e.langs) > 0 then e.langs else array[null::text] end) t (tag)
) l
where /*+ incremental(e.event_at) */ true
    and e.kind = 'commit'
    and e.collection = 'app.bsky.feed.post'
    and e.operation = 'create'
group by 1, 2

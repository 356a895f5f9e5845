-- config:
--   materialized: incremental
--   strategy: delta
--   unique_key: [word]
--   rows: count
--   lookups: [bluesky.stop_words on_change=recompute]
--   tags: [daily, every_30_mins]
-- description: How often each word is used in posts that contain the word
--   "engineering"; stop words, URLs and mentions left out.
-- tests:
--   - unique: [word]
--   - not_null: [word]
--   - expression: count > 0
with

-- Without URLs (also those that clients shorten to host/path) and mentions.
-- The cheap filter comes first: one post in hundreds passes it.
posts as (

    select
        regexp_replace(
            regexp_replace(
                e.text collate "und-x-icu",
                '(?:https?://|(?<![[:alnum:]])www\.|[[:alnum:]-]+(?:\.[[:alnum:]-]+)*\.[[:alpha:]]{2,}/)\S*',
                ' ', 'gi'),
            '@[A-Za-z0-9_][A-Za-z0-9_.-]*',
            ' ', 'g') as body
    from bluesky.events e
    where /*+ incremental(e.event_at) */ true
        and e.kind = 'commit'
        and e.collection = 'app.bsky.feed.post'
        and e.operation = 'create'
        and e.text collate "C" ~* 'engineering'

),

-- Letters and digits are Unicode's, whatever the database's locale.
engineering_posts as (

    select p.body
    from posts p
    where p.body collate "und-x-icu" ~* '(?<![[:alnum:]])engineering(?![[:alnum:]])'

),

-- Unicode case folding: lower case, and what upper case does not keep apart (ß
-- and ss, ﬁ and fi).  The dotless ı stays itself; as a digit, of which words
-- have none, it passes upper case unharmed.
words as (

    select
        translate(
            lower(upper(lower(translate(r.run[1], 'ı', '1') collate "und-x-icu"))),
            '1ς', 'ıσ') collate "C" as word
    from engineering_posts p
    cross join lateral regexp_matches(
        p.body collate "und-x-icu", '[[:alpha:]]{2,}', 'g') as r (run)

)

select
    w.word,
    count(*) as count
from words w
where w.word <> 'engineering'
    and not exists (
        select from bluesky.stop_words s
        where s.word = w.word
    )
group by 1

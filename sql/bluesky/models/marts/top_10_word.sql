-- config:
--   materialized: view
--   tags: [daily, every_30_mins]
--   export: metrics/top-10-word.csv order by count desc, word collate "C"
-- description: The ten words most used in posts about engineering.
-- tests:
--   - unique: [word]
--   - not_null: [word]
--   - expression: word <> 'engineering'
select
    w.word,
    w.count
from bluesky.engineering_words w
order by w.count desc, w.word collate "C"
limit 10

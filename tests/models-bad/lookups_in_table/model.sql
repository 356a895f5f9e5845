-- config:
--   materialized: table
--   lookups: [shop.words]
select w.id from shop.words w

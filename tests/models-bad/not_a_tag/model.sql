-- config:
--   tags: [every day]
select 1 as a

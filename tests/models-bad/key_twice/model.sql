-- config:
--   strategy: full
--   owner: me
--   strategy: merge
select 1 as a

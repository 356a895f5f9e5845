-- config:
--   strategy: full
--   index: did, at
select 1 as did, 2 as at

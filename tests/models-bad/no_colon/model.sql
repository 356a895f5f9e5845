-- config:
--   strategy full
select 1 as a

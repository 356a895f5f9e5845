-- tests:
--   unique: [a]
select 1 as a

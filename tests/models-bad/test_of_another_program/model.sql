-- tests:
--   - at_least_one: a
select 1 as a

-- tests:
--   - unique:
select 1 as a

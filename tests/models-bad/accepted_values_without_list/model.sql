-- tests:
--   - accepted_values: a
select 1 as a

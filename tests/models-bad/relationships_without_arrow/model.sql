-- tests:
--   - relationships: a
select 1 as a

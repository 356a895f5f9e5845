-- tests:
--   - row_count: some
select 1 as a

-- tests:
--   - not_null: a
select 1 as a -- not_null

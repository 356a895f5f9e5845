-- tests:
--   - unique: a error_if=>=0
select 1 as a

-- tests:
--   - unique: a severity=warn warn_if=1000
select 1 as a

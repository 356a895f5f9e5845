-- tests:
--   - unique: a warn_if=>10
select 1 as a

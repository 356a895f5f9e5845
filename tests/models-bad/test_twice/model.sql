-- tests:
--   - unique: [a]
--   - unique: a
select 1 as a

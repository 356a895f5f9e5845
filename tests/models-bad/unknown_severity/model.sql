-- tests:
--   - unique: a severity=warning
select 1 as a

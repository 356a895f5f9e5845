-- config:
--   materialised: view
select 1 as a

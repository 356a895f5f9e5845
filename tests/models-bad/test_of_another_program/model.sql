-- tests:
--   - relationships: a -> shop.users.id
select 1 as a

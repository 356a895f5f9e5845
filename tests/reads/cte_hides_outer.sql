with c as (select 1 as id) select q.id from (with c as (select u.id from shop.users u) select c.id from c) q join c on true
-- reads: shop.users

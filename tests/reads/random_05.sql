with items as (with c3 as not materialized (select (extract(epoch -- $$ '
FROM timestamp '2020-01-01')::bigint)::bigint as id FROM (select count(*) id from shop."Odd Name" AS _a$2 , -- $$ '
shop.orders as a3 group by _a$2.id HAVING count(*) > 0) _a$1 where left(U&'\0066rom shop.users',2) <> 'from shop.orders o') select (cast("A 4".id AS bigint))::bigint id from shop."x""y" as "A 4") SELECT count(*) as id FROM shop."from" union_5 cross join ((items as "A 8" inner join shop.
"select" union_9 on "A 8".id = union_9.id) left join shop . clicks as _a$10 on "A 8".id = _a$10.id) where _a$10.id IS not DISTINCT FROM _a$10.id group /*+ SeqScan(o) */ by union_5.id having count(*) > 0
-- reads: shop.Odd Name, shop.clicks, shop.from, shop.orders, shop.select, shop.x"y

select (union_1.id-1)::bigint as "id" from lateral (select (coalesce("A 4".id, union_5.id))::bigint as "id" FROM lateral (select ("A 3".id)::bigint as "id" from shop.
"select" "A 3" where "A 3".id-1>0) AS "A 2" (id) left outer join generate_series(1,
3) "A 4" (id) on "A 4".id = "A 2".id and (("A 4".id)>0 or "A 2".id>0) , -- $$ '
(select distinct (length(U&'\0066rom shop.users')::bigint)::bigint AS id from shop.orders as a6) as union_5) AS union_1 (id) , /*+ SeqScan(o) */ rows from(generate_series(1,2), generate_series(1,3)) a7 (id, x) /* from shop.orders o */ , shop.items as a8 where length('it''s /* ')::bigint>0
-- reads: shop.items, shop.orders, shop.select

SELECT (_a$1.id-1)::bigint as "id" from lateral (select distinct count(*) as "id" from shop.orders as a2 where a2.id-1 not IN (select (length(U&'\0066rom shop.users')::bigint)::bigint as "id" from generate_series(1, 3) as _a$3 (id) inner join "shop"."Join" as a4 on a4.id = _a$3.id where a4.id is -- $$ '
not -- $$ '
distinct -- $$ '
from a4.id) group by a2.id having count(*) > 0 union all select DISTINCT ((select ("A 6".id)::bigint id from "shop"."Join" as "A 7" inner /* from shop.orders o */ JOIN shop.items as a8 on a8.id = "A 7".id , shop."x""y" as "A 9" where (cast(union_5.id as bigint))>0 LIMIT 1))::bigint as id from shop.
"select" union_5 cross -- from shop.items i, '"
join shop.
"select" "A 6" where (length($q$ $$ , shop.users $q$)::bigint>0 or case WHEN length('-- ')::bigint>0 THEN union_5.id else 0 end>0)) AS _a$1 (id)
-- reads: shop.Join, shop.items, shop.orders, shop.select, shop.x"y

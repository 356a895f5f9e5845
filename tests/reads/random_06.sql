SELECT (a10.id)::bigint as id FROM lateral (select (cast(a2.id AS bigint))::bigint id from (SELECT ("A 3".id-1)::bigint as id from lateral (select ((array[union_4.id,2])[1])::bigint as id FROM shop.
"select" as union_4 cross join shop . clicks as union_5) "A 3" (id)) a2 cross join (select (length('it''s /* ')::bigint)::bigint AS id from shop.
"select" "A 7" where "A 7".id>0) a6 , shop . clicks a8 where a6.id-1 IS/* /* x */ from shop.users */distinct/* /* x */ from shop.users */from a2.id) _a$1 (id) , shop.orders as a9 join (SELECT (_a$11.id-1)::bigint as id from shop.
"select" as _a$11 inner/* /* x */ from shop.users */join shop."Odd Name" as a12 on a12.id = _a$11.id and cast(_a$11.id as bigint)>0 where _a$11.id not in (select (a12.id)::bigint as id from shop.orders AS _a$13)) a10 on a10.id = a9.id
-- reads: shop.Odd Name, shop.clicks, shop.orders, shop.select

select (_a$1.id)::bigint id from (select count(*) as "id" from shop.
"select" _a$2 CROSS	JOIN SHOP.Users as _a$3 left /* from shop.orders o */ outer /* from shop.orders o */ join shop."from" _a$4 on _a$4.id = _a$3.id GROUP
by _a$2.id having count(*) > 0) as _a$1 union (select ((SELECT ((array[_a$6.id,2])[1])::bigint AS id from shop."Odd Name" a8 , "shop"."Join" as "A 9" left outer join shop.items as "A 10" on "A 10".id = "A 9".id limit 1))::bigint as id from shop.left_ "A 5" , lateral (select (length(substring('-- ' from 1 for 2))::bigint)::bigint as id from shop.orders as a7 where "A 5".id>0) _a$6 (id) order by 1 LIMIT 3)
-- reads: shop.Join, shop.Odd Name, shop.from, shop.items, shop.left_, shop.orders, shop.select, shop.users

WITH orders as materialized (select ("A 1".id)::bigint as id from (values (1::bigint),(2)) as "A 1" (id) where "A 1".id not in (SELECT (union_2.id-1)::bigint as id from generate_series(1, -- $$ '
3) as union_2 (id) where "A 1".id>0)) select count(*) as id from (SELECT (length(substring(U&'\0066rom shop.users' from 1 for 2))::bigint)::bigint id from orders a4 , orders "A 5" where (exists(SELECT count(*) as id FROM shop . clicks as "A 6" left outer join orders as _a$7 on _a$7.id = "A 6".id and "A 6".id>0 , -- from shop.items i, '"
orders as union_8 group by "A 6".id having count(*) > 0) or not length($q$ $$ , shop.users $q$)::bigint>0)) as a3 inner join orders as a9 on a9.id = a3.id , orders _a$10 group -- from shop.items i, '"
by a3.id having count(*) > 0
-- reads: shop.clicks

with recursive t (n) as (select min(o.id) from shop.orders o union all select t.n + 1 from t, shop.days d where t.n < d.id and t.n < 5)
select t.n from t
-- reads: shop.days, shop.orders

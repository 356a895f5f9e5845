select o."group", max(o.id) as m from shop.orders o group by o."group", (select 1 from shop.days limit 1) order by 1
-- reads: shop.days, shop.orders

-- severity: warn
-- description: Orders of products that are not in the seed.
select o.order_id, o.product
from shop.orders o
where not exists (select from shop.products p where p.product = o.product)

-- config:
--   strategy: append
select o.id
from shop.orders o

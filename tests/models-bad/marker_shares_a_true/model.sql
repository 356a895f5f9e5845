-- config:
--   strategy: append
select o.id from shop.orders o, shop.items i where
/*+ incremental(o.id) */ /*+ incremental(i.id) */ true

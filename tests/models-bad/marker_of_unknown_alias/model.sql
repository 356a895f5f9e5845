-- config:
--   strategy: append
select ord.id from shop.orders ord where /*+ incremental(odr.id) */ true

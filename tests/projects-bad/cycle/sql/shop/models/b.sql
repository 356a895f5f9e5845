select 1 as x from shop.c, staging.orders

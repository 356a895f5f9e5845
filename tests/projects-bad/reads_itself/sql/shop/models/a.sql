select 1 as x from shop.a

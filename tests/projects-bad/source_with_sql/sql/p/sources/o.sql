-- source: shop.orders
create table shop.orders (id int);

select o.id-1 as a, -o.id as b, o.id*-1 as c, o.id/*x*/+/*y*/1 as d, o.id--1
 as e, @ -o.id as f, 2^3 as g, o.note~'from shop.items' as h, o.doc->'a'->>'from' as i, o.doc#>>'{a,b}' as j, o.doc?'x' as k, 1.5e-3+.5 as l, 10%3 as m
from shop.orders o where o.id!=1 and o.id<>2 and o.id>=3
-- reads: shop.orders

select 'from shop.no1' as a, E'it\'s from shop.no2' as b, $$ from shop.no3 $$ as c,
       $tag$ $$ from shop.no4 $$ $tag$ as d, U&'\0041 from shop.no5' as e, 'it''s from shop.no6' as f -- from shop.no7
from /* shop.no8 /* nested */ shop.no9 */ shop.orders o -- , shop.no10
where o.note <> ' -- ' and o.note not like '/* %'
-- reads: shop.orders

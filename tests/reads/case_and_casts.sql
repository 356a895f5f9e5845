select case when o.id > 1 then (select max(i.id) from shop.items i) else o.id::bigint end as c, cast(o.id as text) as d,
  o.note::varchar(3) collate "C" as e, array[o.id, (select 2)] as f, (array[1, 2])[1:2] as g, o.at at time zone 'UTC' as h
from shop.orders o
-- reads: shop.items, shop.orders

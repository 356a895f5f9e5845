-- config:
--   strategy: recompute
--   by: id
select o0.id from shop.orders o0 where
/*+ incremental(o0.id) */ true
union all
select o1.id from shop.orders o1 where
/*+ incremental(o1.id) */ true
union all
select o2.id from shop.orders o2 where
/*+ incremental(o2.id) */ true
union all
select o3.id from shop.orders o3 where
/*+ incremental(o3.id) */ true
union all
select o4.id from shop.orders o4 where
/*+ incremental(o4.id) */ true
union all
select o5.id from shop.orders o5 where
/*+ incremental(o5.id) */ true
union all
select o6.id from shop.orders o6 where
/*+ incremental(o6.id) */ true
union all
select o7.id from shop.orders o7 where
/*+ incremental(o7.id) */ true
union all
select o8.id from shop.orders o8 where
/*+ incremental(o8.id) */ true
union all
select o9.id from shop.orders o9 where
/*+ incremental(o9.id) */ true
union all
select o10.id from shop.orders o10 where
/*+ incremental(o10.id) */ true
union all
select o11.id from shop.orders o11 where
/*+ incremental(o11.id) */ true
union all
select o12.id from shop.orders o12 where
/*+ incremental(o12.id) */ true
union all
select o13.id from shop.orders o13 where
/*+ incremental(o13.id) */ true
union all
select o14.id from shop.orders o14 where
/*+ incremental(o14.id) */ true
union all
select o15.id from shop.orders o15 where
/*+ incremental(o15.id) */ true
union all
select o16.id from shop.orders o16 where
/*+ incremental(o16.id) */ true
union all
select o17.id from shop.orders o17 where
/*+ incremental(o17.id) */ true
union all
select o18.id from shop.orders o18 where
/*+ incremental(o18.id) */ true
union all
select o19.id from shop.orders o19 where
/*+ incremental(o19.id) */ true
union all
select o20.id from shop.orders o20 where
/*+ incremental(o20.id) */ true
union all
select o21.id from shop.orders o21 where
/*+ incremental(o21.id) */ true
union all
select o22.id from shop.orders o22 where
/*+ incremental(o22.id) */ true
union all
select o23.id from shop.orders o23 where
/*+ incremental(o23.id) */ true
union all
select o24.id from shop.orders o24 where
/*+ incremental(o24.id) */ true
union all
select o25.id from shop.orders o25 where
/*+ incremental(o25.id) */ true
union all
select o26.id from shop.orders o26 where
/*+ incremental(o26.id) */ true
union all
select o27.id from shop.orders o27 where
/*+ incremental(o27.id) */ true
union all
select o28.id from shop.orders o28 where
/*+ incremental(o28.id) */ true
union all
select o29.id from shop.orders o29 where
/*+ incremental(o29.id) */ true
union all
select o30.id from shop.orders o30 where
/*+ incremental(o30.id) */ true
union all
select o31.id from shop.orders o31 where
/*+ incremental(o31.id) */ true
union all
select o32.id from shop.orders o32 where
/*+ incremental(o32.id) */ true

-- config:
--   strategy: append
with a as (select o.id from shop.orders o where /*+ incremental(o.id) */ true),
b as (
  select a.id, count(*) as n from a group by 1), c as (select b.id from b)
select c.id from c

-- config:
--   strategy: delta
--   unique_key: id
select o.id, o.country, count(*) as n from shop.orders o
where /*+ incremental(o.id) */ true
group by 2

-- config:
--   strategy: delta
--   unique_key: [id, country]
select o.id, o.country, count(*) as n from shop.orders o
where /*+ incremental(o.id) */ true
group by o.id

-- config:
--   strategy: delta
--   unique_key: id
select q.id, count(*) as n from (select o.id, row_number() over w as r from shop.orders o where /*+ incremental(o.id) */ true window w as (order by o.id)) q where q.r = 1 group by 1

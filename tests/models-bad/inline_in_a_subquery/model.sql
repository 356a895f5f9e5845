select q.a from (select 1 as a -- unique
) q

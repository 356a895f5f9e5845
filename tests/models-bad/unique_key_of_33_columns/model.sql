-- config:
--   strategy: append
--   unique_key: [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31, c32]
select o.c0, o.c1, o.c2, o.c3, o.c4, o.c5, o.c6, o.c7, o.c8, o.c9, o.c10, o.c11, o.c12, o.c13, o.c14, o.c15, o.c16, o.c17, o.c18, o.c19, o.c20, o.c21, o.c22, o.c23, o.c24, o.c25, o.c26, o.c27, o.c28, o.c29, o.c30, o.c31, o.c32 from shop.orders o
where /*+ incremental(o.c0) */ true

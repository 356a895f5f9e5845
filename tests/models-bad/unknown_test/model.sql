-- tests:
--   - uniqe: [a]
select 1 as a

-- config:
--   materialized: snapshot
--   strategy: check
--   unique_key: user_id
--   check_cols: [postcode]
--   hard_deletes: invalidate
--   tags: [daily]
-- description: The postcodes that a user has had, and since when.  A user who is
--   missing from an extract has left.
-- tests:
--   - not_null: [user_id]
--   - expression: dbt_valid_from = date_trunc('hour', dbt_valid_from)
select
    u.id as user_id,
    u.postcode
from staging.users u
where /*+ incremental(u.id) */ true

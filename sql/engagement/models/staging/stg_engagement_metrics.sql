-- config:
--   materialized: incremental
--   strategy: merge
--   unique_key: [project_id, engagement_id]
--   order_by: [filled desc, raw_md5]
--   tags: [every_6_hours]
-- description: One row per engagement.  Of records with the same ids the one with
--   most fields left after cleaning wins, then the smallest md5 of its raw fields.
-- tests:
--   - unique: [project_id, engagement_id]
--   - not_null: [project_id]
--   - not_null: [engagement_id]
select
    r.project_id,
    r.engagement_id,
    r.customer_id,
    r.customer_name,
    r.engagement_date,
    r.revenue,
    r.revenue_usd,
    r.service,
    r.sub_service,
    r.engagement_type,
    r.employee_count,
    r.comments,
    r.project_ref,
    r.engagement_reference,
    r.client_revenue,
    r.service_type,
    r.detailed_sub_service,
    r.unclean,
    r.filled,
    r.raw_md5
from engagement.base_engagement_records r
where /*+ incremental(r.raw_md5) */ true
    and r.project_id is not null
    and r.engagement_id is not null

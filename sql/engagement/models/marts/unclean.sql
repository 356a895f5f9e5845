-- config:
--   materialized: view
--   tags: [every_6_hours]
-- description: What could not be cleaned, and why: fields of engagements that are
--   NULL for it, and records whose ids cannot be read, which are nowhere else.
with

fields as (

    select
        s.project_id,
        s.engagement_id,
        u.key as column_name,
        u.value as raw_value
    from engagement.stg_engagement_metrics s
    cross join lateral jsonb_each_text(s.unclean) u

    union all

    select
        r.project_id,
        r.engagement_id,
        i.column_name,
        r.unclean ->> i.column_name
    from engagement.base_engagement_records r
    cross join lateral (values ('project_id', r.project_id), ('engagement_id', r.engagement_id)) i (column_name, id)
    where i.id is null

)

select
    f.project_id,
    f.engagement_id,
    f.column_name,
    f.raw_value,
    case
        when f.raw_value is null then 'blank'
        when f.column_name in ('project_id', 'engagement_id', 'project_ref', 'engagement_reference') then 'not a number'
        when f.column_name = 'customer_id' then 'not a customer'
        when f.column_name = 'engagement_date' then 'not a date'
        when f.column_name in ('revenue', 'revenue_usd', 'client_revenue') then 'not an amount'
        when f.column_name = 'employee_count' then 'not a count'
        else 'not a category'
    end as reason
from fields f

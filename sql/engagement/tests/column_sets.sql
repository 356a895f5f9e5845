-- description: Each layer has the columns that its readers rely on, in that order.
with

wanted (name, columns) as (

    values
        ('stg_engagement_metrics', array[
            'project_id', 'engagement_id', 'customer_id', 'customer_name', 'engagement_date',
            'revenue', 'revenue_usd', 'service', 'sub_service', 'engagement_type', 'employee_count',
            'comments', 'project_ref', 'engagement_reference', 'client_revenue', 'service_type',
            'detailed_sub_service', 'unclean', 'filled', 'raw_md5'
        ]),
        ('int_engagement_metrics', array[
            'project_id', 'engagement_id', 'customer_id', 'customer_name', 'engagement_date',
            'revenue', 'revenue_usd', 'service', 'sub_service', 'engagement_type', 'employee_count',
            'comments', 'project_ref', 'engagement_reference', 'client_revenue', 'service_type',
            'detailed_sub_service'
        ]),
        ('fct_engagement_metrics', array[
            'project_id', 'engagement_id', 'customer_id', 'customer_name', 'engagement_date',
            'revenue', 'revenue_usd', 'service', 'sub_service', 'engagement_type', 'employee_count',
            'comments', 'project_ref', 'engagement_reference', 'client_revenue', 'service_type',
            'detailed_sub_service'
        ]),
        ('project_engagement', array[
            'project_id', 'engagement_id', 'customer_id', 'project_ref', 'engagement_reference',
            'dim_project_id', 'dim_customer_id', 'project_service_id', 'product_id', 'team_id',
            'cpm_id', 'dim_cpm_id', 'service', 'sub_service', 'engagement_type', 'service_type',
            'detailed_sub_service', 'dim_service', 'dim_sub_service', 'folder', 'status',
            'staffing_version', 'product', 'team', 'team_type', 'cpm', 'quality', 'delivery',
            'timezone', 'source_app', 'customer_name', 'name', 'description',
            'internal_description', 'comments', 'is_critical_delivery',
            'is_critical_delivery_success', 'is_submitted_from_internal',
            'is_created_with_deliverables', 'is_project_ai_enabled', 'revenue', 'revenue_usd',
            'client_revenue', 'employee_count', 'rate', 'discount', 'min_estimate', 'max_estimate',
            'sp_estimate', 'pm_estimate', 'ad_estimate', 'engagement_date', 'date_project_created',
            'date_project_submitted', 'date_project_deadline', 'date_project_grabbed',
            'date_project_started', 'date_project_ended', 'date_project_updated'
        ])

),

found as (

    select 'stg_engagement_metrics' as name, array(select json_object_keys(row_to_json(r))) as columns
    from (select * from engagement.stg_engagement_metrics limit 1) r

    union all

    select 'int_engagement_metrics' as name, array(select json_object_keys(row_to_json(r))) as columns
    from (select * from engagement.int_engagement_metrics limit 1) r

    union all

    select 'fct_engagement_metrics' as name, array(select json_object_keys(row_to_json(r))) as columns
    from (select * from engagement.fct_engagement_metrics limit 1) r

    union all

    select 'project_engagement' as name, array(select json_object_keys(row_to_json(r))) as columns
    from (select * from engagement.project_engagement limit 1) r

)

select
    f.name,
    f.columns
from found f
join wanted w on w.name = f.name
where array_remove(f.columns, 'loaded_at') <> w.columns

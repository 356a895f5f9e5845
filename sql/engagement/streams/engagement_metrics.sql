-- stream: engagement_metrics
-- format: csv
-- load: append
-- freshness: warn 12h error 48h on loaded_at
-- description: The client's file of engagements as it came: everything is text,
--   nothing is trusted.  engagement.stg_engagement_metrics cleans it.
create table staging.engagement_metrics (
    project_id            text,  -- from: "Project ID"
    engagement_id         text,  -- from: "EngagementID"
    customer_id           text,  -- from: "Customer ID"
    customer_name         text,  -- from: "Customer Name"
    engagement_date       text,  -- from: "Engagement Date"
    revenue               text,  -- from: "Revenue"
    revenue_usd           text,  -- from: "Revenue USD"
    service               text,  -- from: "Service"
    sub_service           text,  -- from: "Sub-Service"
    engagement_type       text,  -- from: "Engagement Type"
    employee_count        text,  -- from: "Employee Count"
    comments              text,  -- from: "Comments"
    project_ref           text,  -- from: "Project Ref"
    engagement_reference  text,  -- from: "Engagement Reference"
    client_revenue        text,  -- from: "Client Revenue"
    service_type          text,  -- from: "Service Type"
    detailed_sub_service  text,  -- from: "Detailed Sub-Service"
    loaded_at             timestamptz not null default now()
) partition by range (loaded_at);

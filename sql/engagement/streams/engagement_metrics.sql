-- stream: engagement_metrics
-- format: csv
-- load: append
-- freshness: warn 12h error 48h on loaded_at
-- description: The client's engagements as they came, a file or a table of theirs.
--   Everything is text, nothing is trusted; engagement.stg_engagement_metrics cleans it.
create table staging.engagement_metrics (
    project_id            text,  -- from: "Project ID" | project_id
    engagement_id         text,  -- from: "EngagementID" | engagement_id
    customer_id           text,  -- from: "Customer ID" | customer_id
    customer_name         text,  -- from: "Customer Name" | customer_name
    engagement_date       text,  -- from: "Engagement Date" | engagement_date
    revenue               text,  -- from: "Revenue" | revenue
    revenue_usd           text,  -- from: "Revenue USD" | revenue_usd
    service               text,  -- from: "Service" | service
    sub_service           text,  -- from: "Sub-Service" | sub_service
    engagement_type       text,  -- from: "Engagement Type" | engagement_type
    employee_count        text,  -- from: "Employee Count" | employee_count
    comments              text,  -- from: "Comments" | comments
    project_ref           text,  -- from: "Project Ref" | project_ref
    engagement_reference  text,  -- from: "Engagement Reference" | engagement_reference
    client_revenue        text,  -- from: "Client Revenue" | client_revenue
    service_type          text,  -- from: "Service Type" | service_type
    detailed_sub_service  text,  -- from: "Detailed Sub-Service" | detailed_sub_service
    loaded_at             timestamptz not null default now()
) partition by range (loaded_at);

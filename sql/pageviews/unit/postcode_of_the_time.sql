-- unit: pageviews.user_hours_asof
-- description: Before the first version the first counts, after leaving the last;
--   who was never seen is UNKNOWN until an extract knows them.

-- given pageviews.users_history:
--   dbt_scd_id,user_id,postcode,dbt_updated_at,dbt_valid_from,dbt_valid_to
--   1,a,1000AA,2025-03-10 00:00:00,2025-03-10 00:00:00,2025-03-12 00:00:00
--   2,a,2000BB,2025-03-12 00:00:00,2025-03-12 00:00:00,2025-03-13 00:00:00

-- given pageviews.user_pageviews_by_hour:
--   user_id,hour,num_pageviews
--   a,2025-03-09 23:00:00,1
--   a,2025-03-11 23:00:00,2
--   a,2025-03-12 00:00:00,3
--   a,2025-03-20 00:00:00,4
--   b,2025-03-11 00:00:00,5

-- expect:
--   user_id,hour,postcode,num_pageviews
--   a,2025-03-09 23:00:00,1000AA,1
--   a,2025-03-11 23:00:00,1000AA,2
--   a,2025-03-12 00:00:00,2000BB,3
--   a,2025-03-20 00:00:00,2000BB,4
--   b,2025-03-11 00:00:00,UNKNOWN,5

-- given pageviews.users_history:
--   dbt_scd_id,user_id,postcode,dbt_updated_at,dbt_valid_from
--   3,b,3000CC,2025-03-14 00:00:00,2025-03-14 00:00:00

-- expect:
--   user_id,hour,postcode,num_pageviews
--   a,2025-03-09 23:00:00,1000AA,1
--   a,2025-03-11 23:00:00,1000AA,2
--   a,2025-03-12 00:00:00,2000BB,3
--   a,2025-03-20 00:00:00,2000BB,4
--   b,2025-03-11 00:00:00,3000CC,5

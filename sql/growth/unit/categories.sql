-- unit: growth.user_categories
-- description: New, retained, resurrected, churned; a late event re-shapes them.

-- given growth.dim_users:
--   user_id,country
--   a,NL

-- given growth.user_periods:
--   user_id,grain,period
--   a,month,2024-01-01
--   a,month,2024-02-01
--   a,month,2024-05-01

-- expect:
--   user_id,country,grain,period,user_category
--   a,NL,month,2024-01-01,new_users
--   a,NL,month,2024-02-01,retained_users
--   a,NL,month,2024-03-01,churned_users
--   a,NL,month,2024-05-01,resurrected_users
--   a,NL,month,2024-06-01,churned_users

-- given growth.user_periods:
--   user_id,grain,period
--   a,month,2024-03-01

-- expect:
--   user_id,country,grain,period,user_category
--   a,NL,month,2024-01-01,new_users
--   a,NL,month,2024-02-01,retained_users
--   a,NL,month,2024-03-01,retained_users
--   a,NL,month,2024-04-01,churned_users
--   a,NL,month,2024-05-01,resurrected_users
--   a,NL,month,2024-06-01,churned_users

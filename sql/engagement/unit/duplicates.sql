-- unit: engagement.stg_engagement_metrics
-- description: Of records with the same ids the fullest wins, whenever it comes.

-- given engagement.base_engagement_records:
--   project_id,engagement_id,customer_id,comments,filled,raw_md5
--   1,10,customer_305,,3,bb
--   1,10,,late,3,aa
--   1,,customer_7,no id,3,cc

-- expect:
--   project_id,engagement_id,customer_id,comments
--   1,10,,late

-- given engagement.base_engagement_records:
--   project_id,engagement_id,customer_id,comments,filled,raw_md5
--   1,10,customer_305,full,4,zz

-- expect:
--   project_id,engagement_id,customer_id,comments
--   1,10,customer_305,full

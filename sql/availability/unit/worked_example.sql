-- unit: availability.status_changes
-- description: The worked example of the rule: whole days, the last event deciding.

-- given availability.fct_events:
--   event_id,event_type,professional_id,created_at
--   1,created_account,1,2020-03-02 07:30:00
--   2,became_able_to_propose,1,2020-03-02 08:00:00
--   3,became_unable_to_propose,1,2020-03-03 07:30:00
--   4,created_account,2,2020-03-03 09:00:00
--   5,became_able_to_propose,1,2020-03-04 07:30:00
--   6,became_able_to_propose,2,2020-03-05 10:00:00
--   7,became_unable_to_propose,2,2020-03-07 07:30:00

-- expect:
--   professional_id,date,change
--   1,2020-03-02,1
--   1,2020-03-03,-1
--   1,2020-03-04,1
--   2,2020-03-05,1
--   2,2020-03-07,-1

-- A late event changes the days until that professional's next change; of two at
-- the same second the one with the larger id decides.
-- given availability.fct_events:
--   event_id,event_type,professional_id,created_at
--   8,became_able_to_propose,1,2020-03-03 07:30:00

-- expect:
--   professional_id,date,change
--   1,2020-03-02,1
--   1,2020-03-03,0
--   1,2020-03-04,0
--   2,2020-03-05,1
--   2,2020-03-07,-1

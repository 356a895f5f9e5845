-- unit: availability.availability_snapshot
-- description: Every day has a row, whether anything changes on it or not.

-- given availability.settings:
--   last_day
--   2020-03-10

-- given availability.events_by_day:
--   date,events
--   2020-03-02,2
--   2020-03-07,1

-- given availability.day_change:
--   date,change
--   2020-03-02,1
--   2020-03-03,-1
--   2020-03-04,1
--   2020-03-05,1
--   2020-03-07,-1

-- expect:
--   date,active_professionals
--   2020-03-02,1
--   2020-03-03,0
--   2020-03-04,1
--   2020-03-05,2
--   2020-03-06,2
--   2020-03-07,1
--   2020-03-08,1
--   2020-03-09,1
--   2020-03-10,1

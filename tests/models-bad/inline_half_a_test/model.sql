select 1 as a -- unique per user

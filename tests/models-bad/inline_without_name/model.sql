select count(*) + 1 -- not_null

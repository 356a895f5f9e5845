select 1 as a -- not_nul

select 1 as a -- accepted_values

-- description: x
insert into a.b select 1

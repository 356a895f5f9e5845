-- description: A user is in an extract once.  Of streams alone, so `periodic test` runs it;
--   users_history itself refuses an extract with two postcodes of one user.
select
    u.id,
    count(*) as times
from staging.users u
where u.loaded_at = (select max(l.loaded_at) from staging.users l)
group by 1
having count(*) > 1
    or u.id is null

-- min_program: 1
-- Partitions of staging that nobody needs any more.
set local role millrace_owner;

-- Drops the oldest partitions of a staging table that end at or before
-- `before`, and returns how many.  Whoever calls has seen that every reader has
-- consumed them.  Nobody waits long: a table that is locked keeps them for now.
create function millrace.retire_partitions(relation text, before timestamptz)
returns int language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '1s' as $$
declare
    part    record;
    retired int := 0;
begin
    if relation !~ '^staging\.' then
        raise exception '% is no staging table', relation;
    end if;
    for part in
        select c.oid::regclass as name,
            (regexp_match(pg_get_expr(c.relpartbound, c.oid), $r$TO \('([^']+)'\)$r$))[1]::timestamptz as until
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = to_regclass(relation)
        order by 2
    loop
        exit when part.until is null or before is null or part.until > before;
        execute format('drop table %s', part.name);
        retired := retired + 1;
    end loop;
    return retired;
exception when lock_not_available then
    return 0;  -- with those that were dropped before it: the whole block is undone
end $$;
revoke execute on function millrace.retire_partitions from public;
grant execute on function millrace.retire_partitions to millrace_aggregate;
reset role;

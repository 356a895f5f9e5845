-- min_program: 1
-- What millrace_owner writes to, only millrace_owner can have made or replaced:
-- a trigger there would run with its rights.
alter schema millrace_old owner to millrace_owner;
set local role millrace_owner;
grant usage, create on schema millrace_old to millrace_aggregate;

-- `handle-streams verify` counts the rows that were replaced, too.
grant usage on schema millrace_old to millrace_ingest;

do $$
declare
    old record;
begin
    for old in
        select c.oid::regclass as name from pg_class c
        where c.relnamespace = 'millrace_old'::regnamespace and c.relkind = 'r'
            and c.relname like 'staging\_\_%' and pg_get_userbyid(c.relowner) = 'millrace_owner'
    loop
        execute format('grant select on %s to millrace_ingest', old.name);
    end loop;
end $$;

-- Moves the rows of staging.<name> with since <= event_time < until to
-- millrace_old.staging__<name>, retired by the transaction that calls, and
-- returns their number.  The caller's ledger row says op d; rows that it loads
-- next carry the same now().
create or replace function millrace.replace_range(name text, event_time text, since timestamptz, until timestamptz)
returns bigint language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    staged  regclass := format('staging.%I', name)::regclass;
    old     text := format('millrace_old.%I', 'staging__' || name);
    cols    text;
    missing record;
    moved   bigint;
begin
    if exists (select from pg_class c where c.oid = to_regclass(old)
                   and (c.relkind <> 'r' or not pg_get_userbyid(c.relowner) = 'millrace_owner')) then
        raise exception '% was not made by millrace, and rows are put there with its rights', old
            using errcode = 'insufficient_privilege', hint = 'drop it';
    end if;
    if to_regclass(old) is null then
        execute format('create table %s (like %s, retired_at timestamptz not null default now())', old, staged);
        execute format('create index on %s (loaded_at)', old);
        execute format('create index on %s (retired_at)', old);
        execute format('grant select, delete on %s to millrace_aggregate', old);
        execute format('grant select on %s to millrace_ingest', old);
    end if;
    for missing in
        select a.attname, format_type(a.atttypid, a.atttypmod) as type
        from pg_attribute a
        where a.attrelid = staged and a.attnum > 0 and not a.attisdropped
            and not exists (select from pg_attribute b where b.attrelid = to_regclass(old)
                            and b.attname = a.attname and not b.attisdropped)
    loop
        execute format('alter table %s add column %I %s', old, missing.attname, missing.type);
    end loop;
    select string_agg(quote_ident(attname), ', ' order by attnum) into cols
    from pg_attribute where attrelid = staged and attnum > 0 and not attisdropped;
    execute format('with gone as (delete from %s where %I >= $1 and %I < $2 returning %s) '
                   'insert into %s (%s) select %s from gone',
                   staged, event_time, event_time, cols, old, cols, cols) using since, until;
    get diagnostics moved = row_count;
    return moved;
end $$;
reset role;

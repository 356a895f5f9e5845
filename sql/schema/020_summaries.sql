-- min_program: 1
-- A BRIN index with autosummarize asks autovacuum for every range of 32 pages
-- that has filled.  It has room for 256 such wishes: from a megabyte a second on
-- most are refused, with a line of the server's log each.  So no index asks any
-- more.  Who reads only what is new (`periodic`) has summarized before, as ever,
-- and autovacuum summarizes what it comes by.
set local role millrace_owner;

create or replace function millrace.adopt_staging(name text)
returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    rel  regclass := format('staging.%I', name)::regclass;
    cols text;
begin
    if not exists (select from pg_index i join pg_class x on x.oid = i.indexrelid
                   join pg_am a on a.oid = x.relam
                   where i.indrelid = rel and a.amname = 'brin') then
        execute format('create index on %s using brin (loaded_at) with (pages_per_range = 32)', rel);
    end if;
    select string_agg(quote_ident(attname), ', ' order by attnum) into cols
    from pg_attribute
    where attrelid = rel and attnum > 0 and not attisdropped and attname <> 'loaded_at';
    execute format('grant insert (%s) on %s to millrace_ingest', cols, rel);
    execute format('grant select on %s to millrace_ingest, millrace_aggregate', rel);
    perform millrace.ensure_partitions();
end $$;

-- The index of a parent made before cannot be altered, but those of its
-- partitions can, as long as nobody loads into them.  What somebody reads now
-- has until the next time.
create function millrace.quiet_indexes()
returns void language plpgsql
set search_path = pg_catalog, pg_temp set lock_timeout = '100ms' as $$
declare
    asking record;
begin
    for asking in
        select i.indexrelid::regclass as index, i.indrelid as part
        from pg_class x
        join pg_index i on i.indexrelid = x.oid
        join pg_inherits h on h.inhrelid = i.indrelid
        join pg_class p on p.oid = h.inhparent and p.relnamespace = 'staging'::regnamespace
        where x.relkind = 'i' and x.reloptions @> '{autosummarize=on}'
            and pg_has_role(x.relowner, 'usage')
    loop
        continue when pg_relation_size(asking.part) > 0;  -- takes a lock
        execute format('alter index %s set (autosummarize = off)', asking.index);
    end loop;
exception when lock_not_available then
    null;
end $$;

create or replace function millrace.ensure_partitions(days_ahead int default 7)
returns int language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    parent record;
    day    date;
    name   text;
    part   regclass;
    made   int := 0;
begin
    perform pg_advisory_xact_lock(hashtext('millrace.ensure_partitions'));
    for parent in
        select c.oid, c.relname,
            exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'millrace_insert') as is_watched
        from pg_class c
        where c.relnamespace = 'staging'::regnamespace and c.relkind = 'p'
            and pg_has_role(current_user, c.relowner, 'usage')
        order by c.relname
    loop
        for day in select d::date from generate_series(
            current_date - 1, current_date + days_ahead, interval '1 day') d
        loop
            name := left(parent.relname, 54) || '_' || to_char(day, 'YYYYMMDD');
            part := to_regclass(format('staging.%I', name));
            continue when exists (select from pg_inherits
                                  where inhparent = parent.oid and inhrelid = part);
            if part is null then
                execute format('create table staging.%I (like staging.%I including defaults including constraints)',
                               name, parent.relname);
            end if;
            if parent.is_watched then
                perform millrace.watch_table(format('staging.%I', name)::regclass, 'staging.' || parent.relname);
            end if;
            execute format('alter table staging.%I attach partition staging.%I for values from (%L) to (%L)',
                           parent.relname, name, day::timestamptz, (day + 1)::timestamptz);
            made := made + 1;
        end loop;
    end loop;
    perform millrace.quiet_indexes();
    return made;
end $$;
reset role;

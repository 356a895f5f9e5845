-- min_program: 1
-- Tables that others write: triggers tell the ledger of what they load.
set local role millrace_owner;

-- AFTER STATEMENT on the table and on each of its partitions; the argument is
-- the name that the ledger knows it by.  Rows that come are a load; rows that
-- change or go make readers start over.  A load that handle-streams has written
-- down itself is left alone.
create function millrace.note_load() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    name   text := tg_argv[0];
    rows   bigint := 0;
    wrong  bigint;
    most   interval;
begin
    perform pg_current_xact_id();  -- before the clock is read
    if tg_op = 'INSERT' then
        select count(*), count(*) filter (where a.loaded_at is distinct from now()) into rows, wrong from added a;
        if rows = 0 then
            return null;
        end if;
        if wrong > 0 then
            raise exception 'loaded_at of % is set by its default alone: it tells loads apart', name
                using errcode = 'check_violation', hint = 'leave the column out of the INSERT or COPY';
        end if;
    elsif tg_op <> 'TRUNCATE' then
        if not exists (select from gone) then
            return null;
        end if;
    end if;
    select s.guard into most from millrace.source s where s.relation = name;
    if clock_timestamp() - now() >= most then
        raise exception 'the transaction began % before its first row for %, and % is what its writers may take',
            clock_timestamp() - now(), name, most
            using errcode = 'object_not_in_prerequisite_state',
                  hint = 'begin again, or allow more with periodic install-source --guard';
    end if;
    insert into millrace.load as l (relation, loaded_at, op, row_count, origin)
    values (name, now(), case tg_op when 'INSERT' then 'i' else 't' end, rows,
            jsonb_build_object('trigger', session_user))
    on conflict (relation, loaded_at) do update
        set row_count = l.row_count + case when l.origin ? 'trigger' then excluded.row_count else 0 end,
            op = case when l.origin ? 'trigger' and excluded.op = 't' then 't' else l.op end
        where l.xid = pg_current_xact_id();
    if not found then
        raise exception 'another transaction that loads % began in the same microsecond: try again', name
            using errcode = 'serialization_failure';
    end if;
    perform pg_notify('millrace', '');
    return null;
end $$;

-- The triggers of one table, with the rights of whoever calls.
create function millrace.watch_table(tab regclass, relation text)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    event text;
begin
    foreach event in array array['insert', 'update', 'delete', 'truncate'] loop
        execute format('create or replace trigger millrace_%s after %s on %s %s for each statement '
                       'execute function millrace.note_load(%L)', event, event, tab,
                       case event when 'insert' then 'referencing new table as added'
                                  when 'truncate' then ''
                                  else 'referencing old table as gone' end, relation);
        execute format('alter table %s enable always trigger millrace_%s', tab, event);
    end loop;
end $$;

-- As before; a partition is watched where its table is.
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
    return made;
end $$;

revoke execute on function millrace.note_load, millrace.watch_table from public;
grant execute on function millrace.note_load, millrace.watch_table to millrace_aggregate;
reset role;

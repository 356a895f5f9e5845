-- min_program: 1
-- A guard is held against the moment when a writer's transaction had its xid,
-- not against the end of its statement.
set local role millrace_owner;

-- BEFORE STATEMENT: takes the xid and notes how long the transaction had been
-- running by then, once.  The seal asks for no more: whoever takes its xid after
-- it was moved has begun less than the guard before that.
create function millrace.note_begin() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_current_xact_id();
    if coalesce(current_setting('millrace.took_s', true), '') = '' then
        perform set_config('millrace.took_s', extract(epoch from clock_timestamp() - now())::text, true);
    end if;
    return null;
end $$;

-- As before, but for the clock.  Where the table has no note_begin yet
-- (install-source puts it there) it is read at the end of the statement.
create or replace function millrace.note_load() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    name   text := tg_argv[0];
    rows   bigint := 0;
    wrong  bigint;
    most   interval;
    took   interval;
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
    took := coalesce(make_interval(secs => nullif(current_setting('millrace.took_s', true), '')::float8),
                     clock_timestamp() - now());
    if took >= most then
        raise exception 'the transaction began % before its first row for %, and % is what its writers may take',
            took, name, most
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

create or replace function millrace.watch_table(tab regclass, relation text)
returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    event text;
begin
    execute format('create or replace trigger millrace_begin before insert or update or delete or truncate on %s '
                   'for each statement execute function millrace.note_begin()', tab);
    execute format('alter table %s enable always trigger millrace_begin', tab);
    foreach event in array array['insert', 'update', 'delete', 'truncate'] loop
        execute format('create or replace trigger millrace_%s after %s on %s %s for each statement '
                       'execute function millrace.note_load(%L)', event, event, tab,
                       case event when 'insert' then 'referencing new table as added'
                                  when 'truncate' then ''
                                  else 'referencing old table as gone' end, relation);
        execute format('alter table %s enable always trigger millrace_%s', tab, event);
    end loop;
end $$;

revoke execute on function millrace.note_begin from public;
grant execute on function millrace.note_begin to millrace_aggregate;
reset role;

-- min_program: 1
-- Streams that are `load: full`: every load is a complete extract, and
-- staging.<name>_current shows the newest.
set local role millrace_owner;

-- A load of a whole input learns its counts at the end.
grant update (byte_count) on millrace.load to millrace_ingest;

-- Makes staging.<name>_current, or gives it a column that the table was given.
create function millrace.show_current(name text)
returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    rel  regclass := format('staging.%I', name)::regclass;
    cols text;
begin
    select string_agg(quote_ident(attname), ', ' order by attnum) into cols
    from pg_attribute
    where attrelid = rel and attnum > 0 and not attisdropped;
    execute format('create or replace view staging.%I as select %s from %s '
                   'where loaded_at = (select l.loaded_at from millrace.load l '
                   'where l.relation = %L and l.op = ''t'' order by l.load_id desc limit 1)',
                   name || '_current', cols, rel, 'staging.' || name);
    execute format('comment on view staging.%I is %L', name || '_current',
                   'the newest complete extract of staging.' || name);
    execute format('grant select on staging.%I to millrace_ingest, millrace_aggregate', name || '_current');
end $$;
revoke all on function millrace.show_current from public;
grant execute on function millrace.show_current to millrace_ingest, millrace_aggregate;

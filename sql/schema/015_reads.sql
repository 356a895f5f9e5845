-- min_program: 1
-- What each model reads: staging is kept for all of them, whichever project's.
set local role millrace_owner;

alter table millrace.model
    add column reads text[],  -- streams; null: a program wrote the row that did not say
    add column keeps text[];  -- those of them whose rows it needs for good

-- Drops the oldest partitions of a staging table that end at or before
-- `before`, and that every model has consumed, and returns how many; null: the
-- table was in use.  Nobody waits: loaders would stand behind us.
create or replace function millrace.retire_partitions(relation text, before timestamptz)
returns int language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '50ms' as $$
declare
    part    record;
    reader  record;
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
        for reader in
            select m.model, m.reads, m.queued, relation = any(m.keeps) as keeps, m.complete_through,
                (select min(l.loaded_at) from millrace.load l
                 where l.relation = retire_partitions.relation and l.load_id > m.floor_load
                     and (l.row_count > 0 or l.op in ('t', 'd', 'r'))
                     and not exists (select from millrace.model_load x where x.model = m.model and x.load_id = l.load_id)
                     and not exists (select from millrace.excluded e where e.model = m.model and e.load_id = l.load_id)
                ) as oldest
            from millrace.model m
            where m.reads is null or relation = any(m.reads)
        loop
            if reader.reads is null then
                raise exception 'what % reads is not known yet', reader.model
                    using errcode = 'object_in_use',
                          hint = 'run its project once with this version, or drop the model (periodic doctor says how)';
            elsif reader.keeps then
                raise exception '% needs all of its rows', reader.model
                    using errcode = 'object_in_use', hint = 'leave retention out of the stream file';
            elsif reader.queued is not null or reader.complete_through is null
                or reader.complete_through < part.until or reader.oldest < part.until then
                return retired;
            end if;
        end loop;
        execute format('drop table %s', part.name);
        retired := retired + 1;
    end loop;
    return retired;
exception when lock_not_available then
    return null;  -- those that were dropped before it are there again
end $$;
reset role;

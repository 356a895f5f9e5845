-- min_program: 1
-- The planner reads a BRIN index only where it knows that the table lies in the
-- column's order, and it does not know until a partition has been analyzed: for
-- the first minutes of every day it would read the whole partition for each new
-- load, by several processes.  So the partitions that are summarized are also
-- analyzed, that column alone and a small sample, whenever they have doubled.
-- Autovacuum goes on to analyze them as before.  An index or a table of another
-- owner is not ours to bring up to date.
set local role millrace_owner;

create or replace function millrace.summarize(relation text, since timestamptz default '-infinity')
returns int language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '100ms'
set default_statistics_target = 10 as $$
declare
    leaf record;
    done int := 0;
begin
    for leaf in
        select x.indexrelid as index, c.oid::regclass as name,
            a.attname is not null and pg_has_role(c.relowner, 'usage')
                and pg_relation_size(c.oid) > current_setting('block_size')::bigint * (2 * c.relpages + 8) as is_outgrown
        from pg_partition_tree(to_regclass(relation)) t
        join pg_class c on c.oid = t.relid
        join pg_index x on x.indrelid = t.relid
        join pg_class i on i.oid = x.indexrelid
        join pg_am m on m.oid = i.relam and m.amname = 'brin'
        left join pg_attribute a on a.attrelid = c.oid and a.attname = 'loaded_at' and not a.attisdropped
        where t.isleaf
            and (not c.relispartition or since = '-infinity' or
                 (regexp_match(pg_get_expr(c.relpartbound, c.oid), $r$TO \('([^']+)'\)$r$))[1]::timestamptz > since)
    loop
        begin
            done := done + brin_summarize_new_values(leaf.index);
            if leaf.is_outgrown then
                execute format('analyze %s (loaded_at)', leaf.name);
            end if;
        exception when lock_not_available or insufficient_privilege then
            null;
        end;
    end loop;
    return done;
exception when lock_not_available then
    return done;  -- the partitions cannot even be listed
end $$;
reset role;

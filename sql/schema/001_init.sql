-- min_program: 1
-- The bookkeeping that both programs share.  Runs once, in one transaction,
-- as the user who logs in; everything it makes belongs to millrace_owner.

-- Roles are cluster-wide: another database may have made them already.
do $$
declare
    name text;
begin
    foreach name in array array['millrace_owner', 'millrace_ingest',
                                'millrace_aggregate', 'millrace_read'] loop
        begin
            if not exists (select from pg_roles where rolname = name) then
                execute format('create role %I nologin', name);
            end if;
        exception when duplicate_object or unique_violation then
            null;  -- another program was faster
        end;
        if not pg_has_role(current_user, name, 'member') then
            execute format('grant %I to %I', name, current_user);
        end if;
    end loop;
    execute format('grant create on database %I to millrace_owner, millrace_aggregate',
                   current_database());
exception when insufficient_privilege then
    raise exception 'user "%" may not set up the roles of millrace: %', current_user, sqlerrm
        using errcode = 'insufficient_privilege',
              hint = format('start once as a user with CREATEROLE who owns the database, or let an administrator '
                            'create the roles millrace_owner, millrace_ingest, millrace_aggregate and millrace_read '
                            'and grant them to "%s"', current_user);
end $$;

create schema if not exists millrace;
alter schema millrace owner to millrace_owner;
create schema if not exists staging authorization millrace_owner;
create schema if not exists millrace_old authorization millrace_aggregate;

set local role millrace_owner;
alter default privileges revoke execute on functions from public;

create table millrace.schema_version (
    version     int primary key,
    name        text not null,
    min_program int not null,       -- programs that know fewer migrations refuse to run
    program     text not null,      -- version of the program that applied it
    applied_at  timestamptz not null default now()
);

-- The ledger: one row per relation that a batch or a model run touched,
-- written in that batch's or run's own transaction.
create table millrace.load (
    xid          xid8        not null default pg_current_xact_id(),  -- first: taken before the identity is drawn
    load_id      bigint      generated always as identity primary key,
    relation     text        not null,
    loaded_at    timestamptz not null,
    op           "char"      not null default 'i',   -- i insert, u upsert, d delete or replace a range, t replace all, r recompute
    row_count    bigint      not null,
    reject_count bigint      not null default 0,
    byte_count   bigint      not null default 0,
    event_min    timestamptz,
    event_max    timestamptz,
    parts        jsonb,
    origin       jsonb,
    unique (relation, loaded_at)
);
create index on millrace.load (relation, load_id);

-- How far each part of a source has been loaded; moved by advance() only.
create table millrace.position (
    source        text        not null,
    part          int         not null,
    next_offset   bigint      not null,
    epoch         bigint      not null,
    anchor_offset bigint,
    anchor_hash   bytea,
    owner         text        not null,
    group_id      text,                     -- Kafka: the one group that may load it
    updated_at    timestamptz not null default now(),
    primary key (source, part)
);

-- Offsets that can never be loaded: audited loss.
create table millrace.gap (
    gap_id      bigint      generated always as identity primary key,
    source      text        not null,
    part        int         not null,
    from_offset bigint      not null,
    to_offset   bigint      not null,
    reason      text        not null,
    detected_at timestamptz not null default now()
);

-- One row per record that could not become a row.
create table millrace.reject (
    reject_id      bigint      generated always as identity primary key,
    load_id        bigint      not null,
    relation       text,                     -- null: no stream took it
    source         text        not null,
    part           int         not null,
    position       bigint      not null,     -- offset of the record in its part
    reason         text        not null,
    sqlstate       text,
    column_name    text,
    raw            bytea       not null,     -- the record; of one over max-line the first 64 KiB
    raw_length     bigint      not null,     -- its full length in bytes
    rejected_at    timestamptz not null default now(),
    replayed_at    timestamptz,
    replay_load_id bigint
);
create index on millrace.reject (load_id);
create index on millrace.reject (reject_id) where replayed_at is null;

-- JSON paths that no stream maps.
create table millrace.drift (
    relation      text        not null,
    path          text        not null,
    kind          text        not null,      -- JSON kind: object, array, string, number, boolean
    first_seen    timestamptz not null default now(),
    last_seen     timestamptz not null default now(),
    sampled_count bigint      not null,
    sample        text,
    primary key (relation, path, kind)
);

create table millrace.model (
    model           text primary key,        -- pack.name
    materialized    text        not null,
    strategy        text,
    code_hash       bytea       not null,
    built_at        timestamptz not null default now(),
    loaded_through  timestamptz,             -- newest load included
    gone_from_load  bigint      not null default 0,  -- gone rows are complete from this load on
    floor_load      bigint      not null default 0,  -- loads up to here count as consumed; model_load holds those above
    indexes         text,                    -- their names
    changed_load    bigint,                  -- its own newest ledger row
    exported_load   bigint,                  -- the one its CSV shows
    last_run        bigint
);

-- No load up to sealed_load can still become visible.  A load takes its xid
-- before its number, and candidate_xid is taken after candidate_load was seen:
-- so a smaller number that is still to come has an xid before candidate_xid,
-- and the candidate is sealed once no such transaction runs any more.
create table millrace.seal (
    only_row       bool   primary key default true check (only_row),
    sealed_load    bigint not null,
    candidate_load bigint not null,
    candidate_xid  xid8   not null
);
insert into millrace.seal values (true, 0, 0, pg_current_xact_id());

create table millrace.run (
    run_id      bigint      generated always as identity primary key,
    command     text        not null,
    program     text        not null,
    host        text        not null,
    started_at  timestamptz not null default now(),
    finished_at timestamptz,
    status      text                          -- success, error, fail (a test), stopped
);
create index on millrace.run (started_at);

create table millrace.run_model (
    run_id      bigint      not null references millrace.run on delete cascade,
    model       text        not null,
    status      text        not null,         -- success, error, fail, skipped
    action      text        not null,         -- build, rebuild, append, merge, delta, recompute, full, seed, view, index
    loads       int         not null default 0,
    inserted    bigint      not null default 0,
    deleted     bigint      not null default 0,
    started_at  timestamptz not null,
    duration_ms double precision not null,
    message     text,
    primary key (run_id, model)
);

-- The exactly-once backstop: which model has consumed which load.
create table millrace.model_load (
    model   text   not null,
    load_id bigint not null,
    run_id  bigint not null,
    primary key (model, load_id)
);

create table millrace.test_result (
    run_id   bigint      not null references millrace.run on delete cascade,
    model    text        not null,
    test     text        not null,            -- unique(time), not_null(time), ...
    severity text        not null,
    status   text        not null,            -- pass, warn, fail, error
    failures bigint,
    sample   jsonb,                           -- some of the failing rows
    at       timestamptz not null default now(),
    primary key (run_id, model, test)
);

-- What follows runs as millrace_owner, whoever calls: pg_temp comes last, or the
-- caller's own types would be found before PostgreSQL's.

-- Moves positions, all or none.  MR001: another owner has moved one, or this
-- batch does not begin where the position stands.  Arrays sorted by the caller.
create function millrace.advance(sources text[], parts int[], epochs bigint[],
    froms bigint[], tos bigint[], anchor_offsets bigint[], anchor_hashes bytea[])
returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    for i in 1 .. cardinality(sources) loop
        update millrace.position
        set next_offset = tos[i], updated_at = now(),
            anchor_offset = anchor_offsets[i], anchor_hash = anchor_hashes[i]
        where source = sources[i] and part = parts[i]
            and epoch = epochs[i] and next_offset = froms[i];
        if not found then
            raise exception 'position of % part % has moved', sources[i], parts[i]
                using errcode = 'MR001';
        end if;
    end loop;
end $$;

-- Makes the daily partitions of every staging table, from yesterday to
-- days_ahead, and returns how many were missing.  CREATE ... PARTITION OF would
-- wait behind every open writer; CREATE (LIKE) and ATTACH does not.  One that
-- has been detached is attached again.  Tables of other owners are theirs to
-- care for, until a program that loads or reads them adopts them.
create function millrace.ensure_partitions(days_ahead int default 7)
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
        select c.oid, c.relname from pg_class c
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
            execute format('alter table staging.%I attach partition staging.%I for values from (%L) to (%L)',
                           parent.relname, name, day::timestamptz, (day + 1)::timestamptz);
            made := made + 1;
        end loop;
    end loop;
    return made;
end $$;

-- Gives a staging table what both programs expect of it: a BRIN index on
-- loaded_at, rights that keep loaded_at out of the writers' hands, partitions.
create function millrace.adopt_staging(name text)
returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    rel  regclass := format('staging.%I', name)::regclass;
    cols text;
begin
    if not exists (select from pg_index i join pg_class x on x.oid = i.indexrelid
                   join pg_am a on a.oid = x.relam
                   where i.indrelid = rel and a.amname = 'brin') then
        execute format('create index on %s using brin (loaded_at) with (pages_per_range = 32, autosummarize = on)', rel);
    end if;
    select string_agg(quote_ident(attname), ', ' order by attnum) into cols
    from pg_attribute
    where attrelid = rel and attnum > 0 and not attisdropped and attname <> 'loaded_at';
    execute format('grant insert (%s) on %s to millrace_ingest', cols, rel);
    execute format('grant select on %s to millrace_ingest, millrace_aggregate', rel);
    perform millrace.ensure_partitions();
end $$;

-- Brings the BRIN summaries of a staging table up to date: BRIN is blind to
-- its unsummarised tail, which is where new loads are.  Partitions that end at
-- or before `since` are left alone, and so are those that somebody has locked:
-- a summary only makes reading faster.
create function millrace.summarize(relation text, since timestamptz default '-infinity')
returns int language plpgsql security definer
set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '100ms' as $$
declare
    leaf record;
    done int := 0;
begin
    for leaf in
        select x.indexrelid as index
        from pg_partition_tree(to_regclass(relation)) t
        join pg_class c on c.oid = t.relid
        join pg_index x on x.indrelid = t.relid
        join pg_class i on i.oid = x.indexrelid
        join pg_am a on a.oid = i.relam and a.amname = 'brin'
        where t.isleaf
            and (not c.relispartition or since = '-infinity' or
                 (regexp_match(pg_get_expr(c.relpartbound, c.oid), $r$TO \('([^']+)'\)$r$))[1]::timestamptz > since)
    loop
        begin
            done := done + brin_summarize_new_values(leaf.index);
        exception when lock_not_available then
            null;
        end;
    end loop;
    return done;
exception when lock_not_available then
    return done;  -- the partitions cannot even be listed
end $$;

-- What a monitor reads: one row per staging table, counting its last 24 hours,
-- and one per model.  A look costs those hours, not the ledger.
create view millrace.status as
with recursive touched (relation) as (
    select min(relation) from millrace.load
    union all
    select (select min(l.relation) from millrace.load l where l.relation > t.relation)
    from touched t where t.relation is not null
)
select 'stream' as kind, t.relation as name,
    (select max(l.loaded_at) from millrace.load l where l.relation = t.relation) as loaded_through,
    recent.loads, recent.rows, recent.rejects, null::text as last_status
from touched t
cross join lateral (
    select count(*) as loads, coalesce(sum(l.row_count), 0) as rows, coalesce(sum(l.reject_count), 0) as rejects
    from millrace.load l
    where l.relation = t.relation and l.loaded_at > now() - interval '24 hours'
) recent
where t.relation like 'staging.%' or t.relation = 'millrace.reject'
union all
select m.materialized, m.model, m.loaded_through, null, null, null, r.status
from millrace.model m
left join millrace.run_model r on r.run_id = m.last_run and r.model = m.model;

revoke all on all functions in schema millrace from public;
grant usage on schema millrace to millrace_ingest, millrace_aggregate, millrace_read;
grant usage on schema staging to millrace_ingest, millrace_aggregate;

grant select on millrace.schema_version, millrace.load, millrace.gap, millrace.reject, millrace.drift,
    millrace.position to millrace_ingest, millrace_aggregate;
grant insert (relation, loaded_at, op, row_count, reject_count, byte_count, event_min, event_max, parts, origin)
    on millrace.load to millrace_ingest, millrace_aggregate;
grant update (row_count, reject_count, event_min, event_max) on millrace.load to millrace_ingest;
grant insert, delete, update (epoch, owner, group_id, updated_at) on millrace.position to millrace_ingest;
grant insert on millrace.gap to millrace_ingest;
grant insert, update (replayed_at, replay_load_id) on millrace.reject to millrace_ingest;
grant insert, update on millrace.drift to millrace_ingest;
grant execute on function millrace.advance to millrace_ingest;
grant execute on function millrace.ensure_partitions, millrace.adopt_staging, millrace.summarize
    to millrace_ingest, millrace_aggregate;

grant select, insert, update, delete on millrace.model, millrace.model_load, millrace.run,
    millrace.run_model, millrace.test_result to millrace_aggregate;
grant select, update on millrace.seal to millrace_aggregate;
grant select on millrace.status to millrace_ingest, millrace_aggregate, millrace_read;
reset role;

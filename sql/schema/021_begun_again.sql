-- min_program: 1
-- A position that is deleted by hand (its topic was deleted and created again,
-- or is to be loaded once more) lets the source begin again.  What was loaded of
-- it before keeps its ledger rows, with ranges that the new ones overlap: where
-- the old ones end is kept, so that `handle-streams verify` can tell them apart.
-- A pipe's position goes with the pipe, whose name never comes again.
set local role millrace_owner;

create table millrace.begun_again (
    source     text        not null,
    part       int         not null,
    after_load bigint      not null,  -- up to this one the ranges are of before
    at         timestamptz not null default now(),
    primary key (source, part, after_load)
);

create function millrace.note_begun_again()
returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    insert into millrace.begun_again (source, part, after_load)
    select old.source, old.part, coalesce(max(load_id), 0) from millrace.load
    on conflict do nothing;
    return null;
end $$;

create trigger begun_again after delete on millrace.position
    for each row when (old.source not like 'pipe:%') execute function millrace.note_begun_again();

grant select on millrace.begun_again to millrace_ingest, millrace_aggregate;
reset role;

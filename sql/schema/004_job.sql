-- min_program: 1
-- What became of jobs: one row each, of its newest run.
set local role millrace_owner;

create table millrace.job (
    job          text primary key,
    started_at   timestamptz not null,
    finished_at  timestamptz,               -- null while it runs
    status       text        not null,      -- running, success, error, timeout, stopped
    succeeded_at timestamptz,               -- its newest success
    duration_ms  double precision,
    attempts     int,
    message      text,
    last_run     bigint                     -- null: there was nothing to do
);
grant select, insert, update, delete on millrace.job to millrace_aggregate;
grant select on millrace.job to millrace_read;
reset role;

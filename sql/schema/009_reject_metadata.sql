-- min_program: 1
-- A replayed record of Kafka needs more than its bytes; and a replay may learn
-- a better reason.
set local role millrace_owner;

alter table millrace.reject
    add column key          bytea,   -- @key
    add column headers      text,    -- @headers: JSON
    add column timestamp_ms bigint;  -- @timestamp: milliseconds since 1970

grant update (reason, sqlstate, column_name) on millrace.reject to millrace_ingest;
reset role;

-- min_program: 1
-- How far another PostgreSQL's table has been read (--from-table --cursor).
set local role millrace_owner;

alter table millrace.position
    add column cursor_value text,   -- the largest value read of the cursor column
    add column cursor_rows  bytea;  -- 8 bytes for each row that has it: a hash of the row
grant update (cursor_value, cursor_rows) on millrace.position to millrace_ingest;

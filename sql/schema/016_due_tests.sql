-- min_program: 1
-- Tests of several models that nobody has run since one of these has changed.
set local role millrace_owner;

create table millrace.due_test (
    test text primary key
);
grant select, insert, delete on millrace.due_test to millrace_aggregate;
reset role;

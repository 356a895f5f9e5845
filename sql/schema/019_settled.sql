-- min_program: 1
-- Rows of a model may change where they are, in columns that none of its readers
-- looks at.  Up to which load that was so, and in which columns: a reader that
-- does look, and was away, has to rebuild.
set local role millrace_owner;

alter table millrace.model
    add column settled_load bigint not null default 0,
    add column settled_columns text[] not null default '{}';
reset role;

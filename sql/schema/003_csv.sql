-- min_program: 1
-- A rejected CSV record means nothing without the header of its file.

set local role millrace_owner;

alter table millrace.reject add column csv_header text;
comment on column millrace.reject.csv_header is
    'of a CSV record the header of its file, '''' if it has none; null: JSON';

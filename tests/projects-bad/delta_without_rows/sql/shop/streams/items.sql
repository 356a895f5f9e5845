create table staging.items (id bigint, loaded_at timestamptz not null default now());

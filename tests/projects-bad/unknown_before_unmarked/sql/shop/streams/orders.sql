create table staging.orders (id bigint, loaded_at timestamptz not null default now());

-- stream: users
-- format: json | csv
-- match: id + postcode
-- load: full effective=hour
-- freshness: warn 36h error 48h on loaded_at
-- tests:
--   - not_null: [id]
--   - unique: [id]
-- description: The daily extract of all users.  Each replaces the one before; who
--   is missing has left.  --effective says as of which hour it is.
create table staging.users (
    id         text        not null,  -- from: id | id as number_text
    postcode   text,                  -- from: postcode | postcode as number_text
    loaded_at  timestamptz not null default now()
) partition by range (loaded_at);

-- stream: users
-- load: full
create table staging.users (id text);

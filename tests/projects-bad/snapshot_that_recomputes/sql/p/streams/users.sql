-- stream: users
create table staging.users (id text);

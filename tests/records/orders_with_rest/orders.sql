-- stream: orders
-- event_time: placed_at
-- match: order
-- description: A stream with money, ids of several kinds and everything else.
create table staging.orders (
    order_id   uuid not null,   -- from: order.id
    placed_at  timestamptz,     -- from: order.placed
    due_on     date,            -- from: order.due
    amount     numeric(8,2),    -- from: order.amount | amount
    weight     double precision, -- from: order.weight
    boxes      smallint,        -- from: order.boxes
    paid       boolean,         -- from: order.paid
    tags       text[],          -- from: order.tags
    country    varchar(2),      -- from: order.country
    address    jsonb,           -- from: order.address
    extra      jsonb,           -- from: *
    loaded_at  timestamptz not null default now()
) partition by range (loaded_at);

-- stream: orders
-- format: json
-- event_time: ordered_at
-- match: order_id + ordered_at
create table staging.orders (
    order_id   bigint      not null,  -- from: order_id
    ordered_at timestamptz not null,  -- from: ordered_at as rfc3339
    product    text        not null,  -- from: product
    quantity   int         not null,  -- from: quantity
    loaded_at  timestamptz not null default now()
) partition by range (loaded_at);

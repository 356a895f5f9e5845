select "o"."id", "o"."from" as "join", "o"."select" from "shop"."orders" as "o", shop."Odd Name" x
where x."weird""col" > 0
-- reads: shop.Odd Name, shop.orders

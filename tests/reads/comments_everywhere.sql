/* lead */ select -- items
o . id /* between */ from -- the table
shop -- schema
. /* dot */ orders /* as */ as /* alias */ o
-- reads: shop.orders

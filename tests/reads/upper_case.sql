SELECT O.ID FROM SHOP.ORDERS AS O INNER JOIN Shop.Items I ON I.ID = O.ID WHERE O.ID IN (SELECT ID FROM SHOP.USERS)
-- reads: shop.items, shop.orders, shop.users

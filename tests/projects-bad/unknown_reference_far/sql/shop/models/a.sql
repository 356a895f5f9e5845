select o.id
from market.customers o

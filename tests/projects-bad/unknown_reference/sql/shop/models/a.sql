select o.id
from staging.odrers o

select 'a
from x.y
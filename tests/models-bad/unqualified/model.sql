select e.a
from events e

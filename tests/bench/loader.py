"""What people write: orjson, psycopg's COPY, all in one transaction.

    loader.py FILE TABLE
"""
import sys

import psycopg

from flat import COLUMNS, row

with psycopg.connect() as connection, open(sys.argv[1], "rb") as lines:
    with connection.cursor().copy(f"copy {sys.argv[2]} ({COLUMNS}) from stdin") as copy:
        for line in lines:
            copy.write_row(row(line))

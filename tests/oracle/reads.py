#!/usr/bin/env python3
"""Which relations a query reads, as PostgreSQL itself sees it.

    reads.py [--write] tests/reads/*.sql

Makes a view of each query, in a transaction that is rolled back, and asks
pg_depend.  The answer is compared with (or, with --write, becomes) the last
line of the file: `-- reads: shop.items, shop.orders`.  Connects as psql does.
"""
import pathlib
import subprocess
import sys

ASK = """
select coalesce(string_agg(distinct n.nspname || '.' || c.relname, ', '
                           order by n.nspname || '.' || c.relname), '')
from pg_rewrite r
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_class'::regclass
join pg_class c on c.oid = d.refobjid and c.oid <> r.ev_class
join pg_namespace n on n.oid = c.relnamespace
where r.ev_class = 'public.asked'::regclass;
"""


def reads(schema, query):
    script = f"begin;\n{schema}\ncreate view public.asked as\n{query};\n{ASK}rollback;\n"
    out = subprocess.run(
        ["psql", "-XqtA", "-v", "ON_ERROR_STOP=1", "-f", "-"],
        input=script, capture_output=True, text=True, check=False)
    if out.returncode:
        return "error: " + out.stderr.strip()
    return out.stdout.strip()


def main():
    write = "--write" in sys.argv
    bad = 0
    for name in [a for a in sys.argv[1:] if a != "--write"]:
        path = pathlib.Path(name)
        lines = path.read_text().rstrip("\n").split("\n")
        if lines[-1].startswith("-- reads:"):
            expected = lines.pop()
        else:
            expected = ""
        schema = (path.parent / "schema.psql").read_text()
        found = "-- reads: " + reads(schema, "\n".join(lines) + "\n")
        if write and "error:" not in found:
            path.write_text("\n".join(lines + [found]) + "\n")
        elif found != expected:
            print(f"{name}: {found}")
            bad = 1
    return bad


sys.exit(main())

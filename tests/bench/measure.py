#!/usr/bin/env python3
"""Runs a command and prints: wall seconds, CPU seconds and MB of memory, of it
and all it has started (memory: of the largest).

    measure.py COMMAND...
    measure.py --until QUERY NUMBER COMMAND...

With --until the command never ends by itself: it is ended once the query gives
that number, and a fourth figure follows: the seconds since the query first
gave more than 0, which leaves the start of a Java out.
"""
import resource
import subprocess
import sys
import time


def count(query):
    done = subprocess.run(["psql", "-XAtqc", query], capture_output=True, text=True,
                          check=True)
    return int(done.stdout)


def wait_until(process, query, number):
    first = None
    while process.poll() is None:
        found = count(query)
        if found and first is None:
            first = time.monotonic()
        if found >= number:
            return time.monotonic() - first
        time.sleep(0.5)
    sys.exit("measure.py: it ended by itself")


def main(arguments):
    query = number = first = None
    if arguments[0] == "--until":
        query, number, *arguments = arguments[1:]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    with subprocess.Popen(arguments, stdout=sys.stderr) as process:
        if query:
            first = wait_until(process, query, int(number))
            process.terminate()
        else:
            process.wait()
        took = time.monotonic() - began
        status = process.wait()
    if status and not query:
        sys.exit(f"measure.py: exit status {status}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{took:.2f} {cpu:.2f} {after.ru_maxrss / 1024:.0f}",
          "" if first is None else f"{first:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])

"""files.py - the command line of the packs' generators.

    NAME.py [--seed N] [--size N] [--first N]                a file to stdout
    NAME.py [...] --pieces N --into FOLDER                   the same, shuffled into N files

A generator is a module with dirty(chance, size, first), the rows with all their
dirt, of which --first numbers the first, and written(chance, rows), a file of
them.  The same seed gives the same rows, in one file or in many.
"""
import argparse
import os
import random
import sys


def cut(rows, count):
    """In equal pieces."""
    return [rows[len(rows) * n // count:len(rows) * (n + 1) // count] for n in range(count)]


def main(module):
    parser = argparse.ArgumentParser(description=module.__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=1000, help="rows, beside those repeated")
    parser.add_argument("--first", type=int, default=1, help="number of the first row")
    parser.add_argument("--pieces", type=int, default=0)
    parser.add_argument("--into", default=".", help="folder of the pieces")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    rows = module.dirty(chance, options.size, options.first)
    if not options.pieces:
        sys.stdout.buffer.write(module.written(chance, rows))
        return
    chance.shuffle(rows)
    os.makedirs(options.into, exist_ok=True)
    for number, piece in enumerate(cut(rows, options.pieces), 1):
        name = os.path.join(options.into, f"{module.NAME}-{number}.csv")
        with open(name, "wb") as file:
            file.write(module.written(chance, piece))

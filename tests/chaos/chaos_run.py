"""chaos_run.py - what a chaos test is made of: scenarios that must hold, one in
which everything happens at once, and mutants (deliberate bugs of the `mutant`
build) for each of which its scenario must fail: a checker that cannot fail is
not one.  Prints TAP.
"""

import argparse
import os
import sys
import time

from chaos_proxy import Proxy
from chaos_world import ROOT

FAULTS = ["before-claim", "after-claim", "before-begin", "before-copy",
          "mid-copy", "after-copy", "before-commit", "commit-sent",
          "after-commit"]


class Wrong(Exception):
    """What must not happen has happened."""


def must(condition, words):
    if not condition:
        raise Wrong(words)


def chaos_plan(world, share):
    """What the proxy does to that share of the commits."""
    actions = ["cut-before", "cut-after", "late", "half-open", "delay"]

    def plan():
        if world.random.random() < share:
            return world.random.choice(actions)
        return "pass"

    return plan


class Tap:
    def __init__(self):
        self.number = self.failed = 0

    def result(self, ok, title, words):
        self.number += 1
        self.failed += not ok
        print(f"{'' if ok else 'not '}ok {self.number} - {title}")
        if words and not ok:
            for row in words.splitlines():
                print("#   " + row[:1000])
        sys.stdout.flush()


class Run:
    """scenarios: functions (world, proxy, mutant), titled by their first line;
    everything: (world, proxy, given), titled likewise; mutants: name ->
    scenario; totals: what everything came to, in words."""

    def __init__(self, scenarios, everything, mutants, totals):
        self.scenarios, self.everything = scenarios, everything
        self.mutants, self.totals = mutants, totals
        self.tap = Tap()

    def attempt(self, scenario, *args):
        """What went wrong, or None."""
        try:
            scenario(self.world, self.proxy, *args)
            words = self.world.verify()
            must(words is None, f"verify: {words}")
        except (Wrong, RuntimeError) as e:
            return str(e).strip()
        finally:
            self.proxy.block(False)
            self.proxy.plan = lambda: "pass"
        return None

    def hold_all(self, given):
        world, chosen = self.world, given.scenario
        world.begin(given.seed,
                    os.environ.get("BUILD", os.path.join(ROOT, "build/plain")))
        for scenario in self.scenarios:
            if not chosen or scenario.__name__ in chosen:
                words = self.attempt(scenario, None)
                self.tap.result(words is None, title(scenario), words)
        if chosen and "everything" not in chosen:
            return
        began = time.monotonic()
        words = self.attempt(self.everything, given)
        print(f"# seed {given.seed}: {self.totals(world)}, {world.lost} lost, "
              f"{world.doubled} doubled, {time.monotonic() - began:.0f} s")
        for what, count in sorted(world.counts.items()):
            print(f"#   {what}: {count}")
        print("#   connections broken at the commit: " + ", ".join(
            f"{count} {what}" for what, count
            in sorted(self.proxy.counts.items()) if what != "pass"))
        print(f"#   verdicts on commits in doubt: {len(world.verdicts)}")
        self.tap.result(words is None, title(self.everything), words)

    def catch(self, seed, name):
        """A mutant must make its scenario fail."""
        self.world.begin(seed, os.path.join(ROOT, "build/mutant"))
        words = self.attempt(self.mutants[name], name)
        self.tap.result(words is not None, f"the mutant {name} is caught",
                        "nothing was noticed")
        print("#   " + (words or "").split("\n")[0][:200])

    def main(self, world, text, **numbers):
        """Reads the command line and runs; numbers: more options."""
        parser = argparse.ArgumentParser(
            description=text, formatter_class=argparse.RawTextHelpFormatter)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--scenario", action="append", default=[])
        parser.add_argument("--mutant", action="append", default=[])
        for name, default in numbers.items():
            parser.add_argument("--" + name, type=int, default=default)
        given = parser.parse_args()
        chosen = given.mutant or ([] if given.scenario else ["all"])
        self.world = world()
        try:
            self.proxy = Proxy(self.world.socket)
            if given.scenario or not given.mutant or "none" in given.mutant:
                self.hold_all(given)
            if "none" not in chosen:
                for name in self.mutants if "all" in chosen else chosen:
                    self.catch(given.seed, name)
        finally:
            self.world.close()
        print(f"1..{self.tap.number}")
        return 1 if self.tap.failed else 0


def title(function):
    return " ".join(function.__doc__.split("\n\n")[0].split())

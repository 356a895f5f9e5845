#!/usr/bin/env python3
"""kafka_chaos.py - a real Kafka, members that die, freeze, come and go: nothing
lost, nothing doubled

  kafka_chaos.py [--seed N] [--seconds N] [--scenario NAME]... [--mutant NAME]

Without --mutant every scenario must hold.  With a mutant (a deliberate bug in
the `mutant` build, or in a copy of the pack) the scenario made for it must
fail: a checker that cannot fail is not one.  The seed is printed and replays the same choices.  Prints TAP.
"""

import signal
import sys
import time

from chaos_run import FAULTS, Run, chaos_plan, must
from chaos_world import heeds_sigterm, kill
from kafka_world import KafkaWorld

MEMBERS, PARTITIONS = 3, 6


def must_be_whole(world, topic):
    lost, doubled = world.count_topic(topic)
    world.lost += lost
    world.doubled += doubled
    must(lost == 0 and doubled == 0,
         f"{topic}: {lost} lost, {doubled} doubled of "
         f"{len(world.topics[topic])}")
    wrong = world.wrong_verdicts()
    must(not wrong, f"wrong verdicts on commits in doubt: {wrong}")


def load_to_end(world, topic, **more):
    process = world.consume(topic, "-e", "-X", "session.timeout.ms=20000",
                            **more)
    status = world.finish(process)
    must(status == 0, f"exit status {status}: {process.said}")


# --- one fault at a time ----------------------------------------------------

def commit_lost(world, proxy, mutant):
    """a commit that never reaches the server, and nothing follows"""
    world.fill("commit_lost", 2, 90)
    actions = iter(["cut-before"])
    proxy.plan = lambda: next(actions, "pass")
    process = world.consume("commit_lost", dsn=proxy.dsn("chaos"),
                            mutant=mutant)
    try:
        world.wait_for("every record", lambda: sum(
            world.seen("commit_lost").values()) >= 90, 15 if mutant else 180)
    finally:
        process.terminate()
        world.finish(process)
    must_be_whole(world, "commit_lost")


def restart(world, proxy, mutant):
    """killed after a commit and within a batch, with Kafka's offsets behind"""
    world.fill("restart", 2, 3000)
    for fault in ("after-commit:4", "mid-copy:3"):
        process = world.consume("restart", "-e", fault=fault, mutant=mutant)
        status = world.finish(process)
        must(status == -signal.SIGKILL, f"exit status {status}")
        world.wait_for_silence()
    load_to_end(world, "restart", mutant=mutant)
    must_be_whole(world, "restart")


def zombie(world, proxy, mutant):
    """a member frozen in its commit wakes when another has loaded everything"""
    world.fill("zombie", 2, 2000)
    actions = iter(["pass", "pass", "freeze"])
    proxy.plan = lambda: next(actions, "pass")
    proxy.held.clear()
    proxy.answers.clear()
    frozen = world.consume("zombie", dsn=proxy.dsn("chaos"), mutant=mutant)
    must(proxy.held.wait(120), "no commit came")
    frozen.send_signal(signal.SIGSTOP)
    load_to_end(world, "zombie", mutant=mutant)
    proxy.release()
    world.wait_for("an answer to the zombie", lambda: proxy.answers)
    frozen.send_signal(signal.SIGCONT)
    world.wait_for("the zombie to rejoin", lambda: world.said(frozen).count(
        "partitions are ours") >= 2)
    frozen.terminate()
    status = world.finish(frozen)
    must(status == 0, f"the zombie exited with {status}: {frozen.said}")
    must_be_whole(world, "zombie")


def late_commit(world, proxy, mutant):
    """a late commit after another's claim: only the epoch can tell"""
    world.fill("late", 1, 90)
    actions = iter(["freeze"])
    proxy.plan = lambda: next(actions, "pass")
    proxy.held.clear()
    proxy.answers.clear()
    frozen = world.consume("late", dsn=proxy.dsn("chaos"), mutant=mutant)
    must(proxy.held.wait(120), "no commit came")
    frozen.send_signal(signal.SIGSTOP)
    heir = world.consume("late", options=["--linger", "1h"], mutant=mutant)
    world.wait_for("the heir's claim",
                   lambda: "partitions are ours" in world.said(heir))
    proxy.release()
    world.wait_for("an answer to the late commit", lambda: proxy.answers)
    kill(frozen)
    world.finish(frozen)
    heir.terminate()
    must(world.finish(heir) == 0, heir.said)
    must(b"MR001" in proxy.answers[0],
         f"the late commit was answered with {proxy.answers[0][:80]}")
    load_to_end(world, "late")
    must_be_whole(world, "late")


def isolating(world, proxy, mutant):
    """partitions go while refused rows are looked for and commits are in doubt"""
    world.fill("isolating", 4, 400)
    must(world.finish(world.launch()) == 0, "no tables")
    world.sql("create function public.slowly(n bigint) returns bool "
              "language plpgsql as $$ begin "
              "if n % 50 = 3 then perform pg_sleep(0.1); end if; "
              "return n % 97 <> 5; end $$; "
              "alter table staging.chaos_events add check "
              "(run <> 'isolating' or public.slowly(n))")
    actions = iter(["late", "cut-after", "pass", "cut-before"])
    proxy.plan = lambda: next(actions, "pass")
    stays = world.consume("isolating", dsn=proxy.dsn("chaos"), mutant=mutant)
    for end in (kill, lambda process: process.terminate()):
        guest = world.consume("isolating", mutant=mutant)
        world.wait_for("the guest's partitions", lambda: "partitions are ours"
                       in world.said(guest))
        time.sleep(world.random.random() * 0.5)
        end(guest)
        world.finish(guest)
    stays.terminate()
    must(world.finish(stays) == 0, stays.said)
    load_to_end(world, "isolating", mutant=mutant)
    must_be_whole(world, "isolating")
    refused = world.sql("select count(*) from millrace.reject where source "
                        "like '%/isolating' and sqlstate = '23514'")
    must(refused == [["5"]], f"{refused} rows were refused")


def doubles(world, proxy, mutant):
    """events sent twice by their producer, members killed: the marts are those
    of a topic without doubles"""
    lines = world.generate(3000)
    twice = list(lines) + world.random.sample(lines, len(lines) // 4)
    world.random.shuffle(twice)
    producer = world.topic("doubles", 4)
    producer.send_lines(twice)
    world.topics["doubles"] = producer.finish()
    proxy.plan = chaos_plan(world, 0.1)
    for fault in ("mid-copy:3", "commit-sent:2", "before-commit:4",
                  "after-commit:2"):
        process = world.consume("doubles", "-e", fault=fault, mutant=mutant,
                                dsn=proxy.dsn("chaos"))
        status = world.finish(process)
        must(status in (0, -signal.SIGKILL), f"exit status {status}")
    load_to_end(world, "doubles", mutant=mutant)
    rows = int(world.sql("select count(*) from staging.bluesky_events")[0][0])
    must(rows == len(twice), f"{len(twice)} records are {rows} rows")
    marts = world.marts(lines)
    if mutant == "no-dedup":
        marts.keep_doubles()
    wrong = marts.differences()
    must(not wrong, f"marts that differ from the oracle's: {wrong}")


# --- everything at once -----------------------------------------------------

class Members:
    """A group whose members something happens to."""

    def __init__(self, world, proxy, topic):
        self.world, self.proxy, self.topic = world, proxy, topic
        self.alive = []

    def join(self):
        world = self.world
        fault = None
        if world.random.random() < 0.4:
            name = world.random.choice(FAULTS)
            nth = 1 if "claim" in name else world.random.randint(2, 25)
            fault = f"{name}:{nth}"
        dsn = world.random.choice([None, self.proxy.dsn("chaos")])
        process = world.consume(self.topic, dsn=dsn, fault=fault)
        process.fault = fault
        self.alive.append(process)

    def bury(self, process, how):
        world = self.world
        self.alive.remove(process)
        status = world.finish(process)
        world.rebalances += process.said.count("partitions are ours")
        if status == -signal.SIGKILL:
            world.counts["killed"] += 1
            world.counts["killed " + how] += 1
            if "partitions are ours" in process.said:
                world.counts["killed while holding partitions"] += 1
        elif status == 0:
            world.counts["left politely"] += 1
        else:
            # Whom a crash of a server hits before it has joined may leave.
            must(status in (4, 5) and "are ours" not in process.said,
                 f"{how}: exit status {status}: {process.said}")
            world.counts["could not start"] += 1

    def tend(self):
        """Buries those who died at a fault point; keeps the group filled."""
        for process in list(self.alive):
            if process.poll() is not None:
                fault = process.fault.split(":")[0] if process.fault else "-"
                self.bury(process, fault)
        while len(self.alive) < MEMBERS:
            self.join()

    def torment(self):
        """Does something to one of them, or to what they depend on."""
        world = self.world
        what = world.random.choice(
            ["kill"] * 5 + ["freeze"] * 4 + ["leave", "crash", "terminate"])
        # Those who hold partitions have more to lose.
        holders = [process for process in self.alive
                   if "partitions are ours" in world.said(process)]
        if not holders:
            return
        process = world.random.choice(holders)
        if what == "kill":
            kill(process)
            self.bury(process, "at random")
        elif what == "freeze":
            process.send_signal(signal.SIGSTOP)
            # short ones stay members, long ones are thrown out
            time.sleep(world.random.choice([0.1, 0.3, 2.5]))
            process.send_signal(signal.SIGCONT)
            world.counts["frozen"] += 1
        elif what == "leave":
            process.terminate()
            self.bury(process, "leaving")
        elif what == "crash":
            world.crash_server()
        else:
            world.sql("select pg_terminate_backend(pid) from pg_stat_activity "
                      "where application_name like 'handle-streams %'")
            world.counts["sessions terminated"] += 1


def everything(world, proxy, given):
    """killed, frozen, cut off, crashed, joined and left: nothing lost, nothing
    doubled"""
    seconds = given.seconds
    proxy.plan = chaos_plan(world, 0.03)
    producer = world.topic("everything", PARTITIONS)
    members = Members(world, proxy, "everything")
    end = time.monotonic() + seconds
    broker_ms = time.monotonic() + min(seconds / 2, 40)
    try:
        while time.monotonic() < end:
            members.tend()
            producer.send(world.random.randint(50, 600))
            time.sleep(world.random.random() * 0.4)
            if world.random.random() < 0.6:
                members.torment()
            if time.monotonic() > broker_ms:
                world.crash_broker()
                broker_ms = time.monotonic() + min(seconds / 2, 40)
        world.topics["everything"] = producer.finish()
        proxy.plan = lambda: "pass"
        for process in list(members.alive):
            world.wait_for("a member to begin",
                           lambda: heeds_sigterm(process))
            process.terminate()
            members.bury(process, "at the end")
    finally:
        for process in members.alive:
            kill(process)
            world.finish(process)
    load_to_end(world, "everything")
    must_be_whole(world, "everything")


# --- running ----------------------------------------------------------------

SCENARIOS = [commit_lost, restart, zombie, late_commit, isolating, doubles]
MUTANTS = {"no-cas": zombie, "blind-commit": commit_lost,
           "no-epoch-bump": late_commit, "positions-from-kafka": restart,
           "ack-before-commit": restart, "no-dedup": doubles}


def totals(world):
    records = sum(len(acks) for acks in world.topics.values())
    return (f"{records} records, {world.counts['killed']} kills, "
            f"{world.rebalances} assignments, {world.gaps()} gaps")


if __name__ == "__main__":
    sys.exit(Run(SCENARIOS, everything, MUTANTS, totals).main(
        KafkaWorld, __doc__, seconds=40))

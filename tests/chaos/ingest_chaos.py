#!/usr/bin/env python3
"""ingest_chaos.py - kill handle-streams anywhere: nothing lost, nothing doubled

  ingest_chaos.py [--seed N] [--kills N] [--scenario NAME]... [--mutant NAME]...

Every scenario must hold; and for every mutant (a deliberate bug in the `mutant`
build) the scenario made for it must fail: a checker that cannot fail is not
one.  --mutant all: every mutant, --mutant none: none.  The seed is printed and
replays the same choices, though not the same instants.  Prints TAP.
"""

import signal
import subprocess
import sys
import time

from chaos_run import FAULTS, Run, chaos_plan, must
from chaos_world import World, kill

def must_be_whole(world, *runs):
    """Every line of these runs is there once, and every verdict was right."""
    for run in runs:
        lost, doubled = world.count(run)
        world.lost += lost
        world.doubled += doubled
        must(lost == 0 and doubled == 0,
             f"{run}: {lost} lost, {doubled} doubled of "
             f"{world.produced[run]}")
    wrong = world.wrong_verdicts()
    must(not wrong, f"wrong verdicts on commits in doubt: {wrong}")


def run_to_end(world, *args, **more):
    process = world.launch(*args, **more)
    status = world.finish(process)
    must(status == 0, f"exit status {status}: {process.said}")
    return process


# --- one fault at a time ----------------------------------------------------

def in_order(world, proxy, mutant):
    """Nothing fails: no position is ever found moved, though the first
    deciding message is late: so late that a program that does not care
    sends another meanwhile."""
    actions = iter(["overtaken"])
    proxy.plan = lambda: next(actions, "pass")
    proxy.patience = 60 if mutant else 0.3
    path = world.make_file("in_order", 2000)
    process = run_to_end(world, path, dsn=proxy.dsn("chaos"), mutant=mutant,
                         options=["--answer-timeout", "10min"])
    must("moved=0" in process.said and "retries=0" in process.said,
         "batches did not commit in order: " + process.said)
    must_be_whole(world, "in_order")


def cut_before(world, proxy, mutant):
    """The last batch's commit never reaches the server."""
    actions = iter(["cut-before"])
    proxy.plan = lambda: next(actions, "pass")
    path = world.make_file("cut_before", 90)
    run_to_end(world, path, dsn=proxy.dsn("chaos"), mutant=mutant)
    must_be_whole(world, "cut_before")
    process = world.launch(dsn=proxy.dsn("chaos"), mutant=mutant,
                           stdin=subprocess.PIPE)
    actions = iter(["cut-before"])
    world.feed(process, "cut_before_pipe", 500)
    must(world.finish(process) == 0, process.said)
    must_be_whole(world, "cut_before_pipe")


def cut_after(world, proxy, mutant):
    """The server commits, and nobody hears it."""
    actions = iter(["pass", "cut-after"])
    proxy.plan = lambda: next(actions, "pass")
    path = world.make_file("cut_after", 1000)
    run_to_end(world, path, dsn=proxy.dsn("chaos"), mutant=mutant)
    must_be_whole(world, "cut_after")
    process = world.launch(dsn=proxy.dsn("chaos"), mutant=mutant,
                           stdin=subprocess.PIPE)
    actions = iter(["pass", "cut-after"])
    world.feed(process, "cut_after_pipe", 1000)
    must(world.finish(process) == 0, process.said)
    must_be_whole(world, "cut_after_pipe")


TAKE_BACK = """begin;
    lock millrace.position in exclusive mode;
    create temp table gone on commit drop as
        select distinct l.load_id, l.loaded_at
        from millrace.load l, jsonb_array_elements(l.origin->'ranges') r
        where r->>0 = (select source from millrace.position
                       where source like 'file:%' order by updated_at desc limit 1);
    delete from staging.chaos_events where loaded_at in (select loaded_at from gone);
    delete from millrace.reject where load_id in (select load_id from gone);
    delete from millrace.load where load_id in (select load_id from gone);
    update millrace.position set next_offset = 0 where source =
        (select source from millrace.position
         where source like 'file:%' order by updated_at desc limit 1);
    commit"""


def taken_back(world, proxy, mutant):
    """The database goes back, as after a crash, while a commit is cut; and so
    is the next one, of what is read again."""
    def plan():
        action = next(actions, "pass")
        if action != "take-back":
            return action
        world.sql(TAKE_BACK)
        return "cut-before"

    actions = iter(["pass", "pass", "take-back", "cut-before"])
    proxy.plan = plan
    path = world.make_file("taken_back", 1500)
    process = run_to_end(world, path, dsn=proxy.dsn("chaos"), mutant=mutant)
    must("reading again from there" in process.said, process.said)
    must_be_whole(world, "taken_back")


def late_commit(world, proxy, mutant):
    """A commit that arrives after it was found not to have happened must be
    refused by the epoch, before the batch goes again."""
    def plan():
        action = next(actions, "pass")
        proxy.block(action == "hold")  # what comes next is the batch again
        return action

    actions = iter(["hold"])
    proxy.plan = plan
    proxy.held.clear()
    proxy.answers.clear()
    path = world.make_file("late_commit", 90)
    process = world.launch(path, dsn=proxy.dsn("chaos"), mutant=mutant)
    must(proxy.held.wait(120), "no commit came")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        process.log.seek(0)
        if "was lost; it was not committed" in process.log.read():
            break
        time.sleep(0.02)
    proxy.release()
    while not proxy.answers and time.monotonic() < deadline + 120:
        time.sleep(0.02)
    proxy.block(False)
    must(world.finish(process) == 0, process.said)
    must(proxy.answers and b"MR001" in proxy.answers[0],
         f"the late commit was answered with {proxy.answers}")
    must_be_whole(world, "late_commit")


def fenced_zombie(world, proxy, mutant):
    """A process frozen before its commit wakes after another has taken the
    file over and finished it."""
    actions = iter(["pass", "pass", "freeze"])
    proxy.plan = lambda: next(actions, "pass")
    proxy.held.clear()
    proxy.answers.clear()
    path = world.make_file("zombie", 2000)
    zombie = world.launch(path, dsn=proxy.dsn("chaos"), mutant=mutant,
                          options=["--answer-timeout", "10min"])
    must(proxy.held.wait(120), "no commit came")
    zombie.send_signal(signal.SIGSTOP)
    # As if the server had lost sight of it: its token no longer leads to it.
    world.sql("update millrace.position set owner = 'gone' "
              "where source like 'file:%' and owner <> 'gone'")
    run_to_end(world, path, mutant=mutant)
    proxy.release()
    deadline = time.monotonic() + 120
    while not proxy.answers and time.monotonic() < deadline:
        time.sleep(0.02)
    zombie.send_signal(signal.SIGCONT)
    status = world.finish(zombie)
    # Nobody who lives has the file: it looks where that stands and is done.
    must(status == 0, f"the zombie exited with {status}: {zombie.said}")
    lost, doubled = world.count("zombie")
    must(lost == 0 and doubled == 0, f"{lost} lost, {doubled} doubled")


def two_at_once(world, proxy, mutant):
    """Two processes on one file: one loads it, the other leaves."""
    for i in range(3):
        run = f"two_{i}"
        path = world.make_file(run, 3000)
        both = [world.launch(path, options=["--claim-timeout", "300ms"])
                for _ in range(2)]
        statuses = sorted(world.finish(process) for process in both)
        must(statuses in ([0, 0], [0, 6]), f"exit statuses {statuses}")
        must_be_whole(world, run)


# --- everything at once -----------------------------------------------------

LINES = 4000


def break_one(world, proxy, process):
    """Does something to a process that runs; returns what."""
    what = world.random.choice(["kill"] * 4 + ["stop", "terminate", "crash"])
    time.sleep(world.random.random() * 0.25)
    if what == "kill":
        kill(process)
    elif what == "stop":
        process.send_signal(signal.SIGSTOP)
        world.sql("select pg_terminate_backend(pid) from pg_stat_activity "
                  "where application_name like 'handle-streams %'")
        time.sleep(world.random.random() * 0.3)
        process.send_signal(signal.SIGCONT)
    elif what == "terminate":
        world.sql("select pg_terminate_backend(pid) from pg_stat_activity "
                  "where application_name like 'handle-streams %'")
    else:
        world.crash_server()
    return what


def ended(world, process, what):
    """Waits for a process that something was done to, and counts it."""
    status = world.finish(process)
    if status == -signal.SIGKILL:
        world.counts["killed"] += 1
        world.counts["killed " + what] += 1
    else:
        # Whom it hits before the pipeline runs may leave, with nothing done.
        early = status == 4 and "rows=" not in process.said
        world.counts[what + (", hit the start" if early
                             else ", survived")] += 1
        must(status == 0 or early, f"after {what}: exit status {status}: "
             f"{process.said}")
    return status


def torment_file(world, proxy, run):
    """Kills whoever loads a file until it is loaded."""
    path = world.make_file(run, LINES)
    while True:
        dsn = world.random.choice([None, proxy.dsn("chaos")])
        fault = what = None
        if world.random.random() < 0.6:
            what = world.random.choice(FAULTS)
            nth = 1 if "claim" in what else world.random.randint(1, 6)
            fault = f"{what}:{nth}"
        process = world.launch(path, dsn=dsn, fault=fault)
        if not fault:
            what = break_one(world, proxy, process)
        if ended(world, process, what) == 0:
            return


def torment_pipe(world, proxy, run):
    """A pipe: survives all but its own death, and doubles nothing then."""
    fault = None
    if world.random.random() < 0.5:
        fault = (world.random.choice(FAULTS[2:]) +
                 f":{world.random.randint(2, 12)}")
    process = world.launch(dsn=proxy.dsn("chaos"), fault=fault,
                           stdin=subprocess.PIPE)
    world.feed(process, run, LINES, pause=0.002)
    what = fault.split(":")[0] if fault else break_one(world, proxy, process)
    status = ended(world, process, what)
    upto = None
    if status:
        world.wait_for_silence()
        # Its row stays: what it says is committed must be there, no more.
        rows = world.sql("select source, next_offset from millrace.position "
                         "where source like 'pipe:%'")
        must(len(rows) <= 1, f"rows of pipes left: {rows}")
        upto = world.committed_lines(run, int(rows[0][1])) if rows else 0
        world.sql("delete from millrace.position where source like 'pipe:%'")
    lost, doubled = world.count(run, upto)
    world.lost += lost
    world.doubled += doubled
    must(lost == 0 and doubled == 0,
         f"pipe {run}: {lost} lost, {doubled} doubled")
    world.counts["pipe lines lost with their process, resent by nobody"] += (
        0 if upto is None else world.produced[run] - upto)


def everything(world, proxy, given):
    """killed, frozen, cut off and crashed anywhere: nothing lost, nothing
    doubled"""
    proxy.plan = chaos_plan(world, 0.05)
    number = 0
    while world.counts["killed"] < given.kills:
        number += 1
        if number % 4 == 0:
            torment_pipe(world, proxy, f"pipe_{number}")
        else:
            torment_file(world, proxy, f"file_{number}")
            must_be_whole(world, f"file_{number}")
    proxy.plan = lambda: "pass"
    files = [run for run in world.produced if run.startswith("file_")]
    must_be_whole(world, *files)


# --- running ----------------------------------------------------------------

SCENARIOS = [in_order, cut_before, cut_after, taken_back, late_commit,
             fenced_zombie, two_at_once]
MUTANTS = {"no-cas": fenced_zombie, "no-epoch-bump": late_commit,
           "no-order": in_order, "blind-commit": cut_before,
           "assume-not": cut_after, "blind-resend": cut_after}


def totals(world):
    return (f"{world.counts['killed']} kills, "
            f"{sum(world.produced.values())} lines")


if __name__ == "__main__":
    sys.exit(Run(SCENARIOS, everything, MUTANTS, totals).main(
        World, __doc__, kills=50))

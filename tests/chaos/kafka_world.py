"""kafka_world.py - a broker, topics and consumers to torment, and the count

What was produced is known from the broker's acknowledgements: partition and
offset of each record.  Each must be there once, as a row or as a reject.
"""

import collections
import os
import shutil
import subprocess
import sys
import threading
import time

from chaos_world import ROOT, World, is_reject

sys.path.insert(0, os.path.join(ROOT, "tests/packs"))
import bluesky  # noqa: E402  (found through the path set above)
import history  # noqa: E402

KAFKA_SH = os.path.join(ROOT, "tests/kafka/kafka.sh")

STREAM = """\
-- stream: chaos_events
-- format: json
-- match: run + n
create table staging.chaos_events (
    run       text   not null,  -- from: run
    n         bigint not null,  -- from: n
    part      int    not null,  -- from: @partition
    at_offset bigint not null,  -- from: @offset
    payload   text,             -- from: payload
    loaded_at timestamptz not null default now()
) partition by range (loaded_at);
"""


def record(run, n):
    """Record n of a run; some are bad."""
    pad = "x" * (n * 7919 % 180)
    value = f'"bad-{n}"' if is_reject(n) else str(n)
    return f'{{"run": "{run}", "n": {value}, "payload": "{pad}"}}'


class Producer:
    """Feeds a topic in a thread; its broker may come and go meanwhile."""

    def __init__(self, world, topic, partitions):
        self.topic, self.partitions, self.sent = topic, partitions, 0
        self.process = subprocess.Popen(
            [world.admin_program, world.brokers, "produce", topic],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.acks = []             # (partition, offset)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for row in self.process.stdout:
            part, offset = row.split()
            self.acks.append((int(part), int(offset)))

    def send(self, count):
        for n in range(self.sent, self.sent + count):
            self.process.stdin.write(f"{n % self.partitions}\tkey-{n}\t"
                                     f"{record(self.topic, n)}\n")
        self.process.stdin.flush()
        self.sent += count

    def send_lines(self, lines):
        for n, line in enumerate(lines):
            self.process.stdin.write(f"{n % self.partitions}\t\t{line}\n")

    def finish(self):
        """Waits until the broker has acknowledged everything."""
        self.process.stdin.close()
        if self.process.wait(300) != 0:
            raise RuntimeError("the producer failed")
        self._reader.join()
        return self.acks


class Marts(history.History):
    """The bluesky pack's, in this world, and the oracle's of these lines."""

    def __init__(self, world, lines):
        self.name, self.pack, self.exports = "bluesky", bluesky, bluesky.EXPORTS
        self.seed = world.seed
        self.folder = os.path.join(world.folder, "project")
        self.database = "chaos"
        self.environment = world.env(TZ="UTC")
        data = "".join(line + "\n" for line in lines).encode()
        self.fed = [history.Piece("events.json", data)]

    def psql(self, sql, database=None):
        return subprocess.run(["psql", "-XAtqc", sql], env=self.environment,
                              check=True, capture_output=True, text=True).stdout

    def keep_doubles(self):
        """A deliberate bug: an event is as many rows as it was delivered."""
        path = os.path.join(self.folder, "sql/bluesky/models/staging/events.sql")
        with open(path) as f:
            query = f.read().split("\nwith\n", 1)[1]
        with open(path, "w") as f:
            f.write("-- config:\n--   materialized: incremental\n"
                    "--   strategy: append\nwith\n" + query)

    def differences(self):
        self.periodic()
        return self.wrong(bluesky.expected(self.fed))


class KafkaWorld(World):
    def __init__(self):
        super().__init__()
        path = os.path.join(self.folder,
                            "project/sql/chaos/streams/chaos_events.sql")
        with open(path, "w") as f:
            f.write(STREAM)
        shutil.copytree(os.path.join(ROOT, "sql/bluesky"),
                        os.path.join(self.folder, "project/sql/bluesky"))
        self.admin_program = os.path.join(ROOT, "build/plain/kafka-admin")
        self.broker_folder = os.path.join(self.folder, "kafka")
        os.makedirs(self.broker_folder)
        self.brokers = self.broker("start")
        self.topics = {}           # topic -> acknowledged (part, offset)

    def begin(self, seed, build):
        super().begin(seed, build)
        self.seed = seed
        self.topics = {}
        self.rebalances = 0

    def close(self):
        self.broker("stop")
        super().close()

    def broker(self, command):
        return subprocess.run([KAFKA_SH, command, self.broker_folder],
                              check=True, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout.strip()

    def crash_broker(self):
        self.broker("kill")
        self.broker("start")
        self.counts["broker killed"] += 1

    def admin(self, *args):
        subprocess.run([self.admin_program, self.brokers, *args], check=True,
                       stderr=subprocess.DEVNULL)

    def topic(self, name, partitions):
        """A new topic; its name is also the run's."""
        try:
            self.admin("delete", name)
        except subprocess.CalledProcessError:
            pass                   # there was none
        deadline = time.monotonic() + 180
        while True:
            try:
                self.admin("create", name, str(partitions))
                return Producer(self, name, partitions)
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def fill(self, name, partitions, count):
        """A topic with that many records."""
        producer = self.topic(name, partitions)
        producer.send(count)
        self.topics[name] = producer.finish()

    def generate(self, count):
        """Different events of the generator, as lines."""
        program = os.path.join(ROOT, "build/plain/bluesky")
        done = subprocess.run(
            [program, "max", "--count", str(count), "--seed",
             str(self.random.randrange(10 ** 6))],
            check=True, capture_output=True, text=True)
        return list(dict.fromkeys(done.stdout.splitlines()))

    def marts(self, lines):
        return Marts(self, lines)

    def consume(self, topic, *args, **more):
        """A member of the group."""
        return self.launch(
            "-b", self.brokers, "-t", topic, "-G", "chaos",
            "-X", "session.timeout.ms=1000", "-X", "heartbeat.interval.ms=150",
            "-X", "reconnect.backoff.max.ms=500", *args, **more)

    def said(self, process):
        process.log.seek(0)
        return process.log.read()

    def wait_for(self, what, condition, seconds=180):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"in vain waited for: {what}")
            time.sleep(0.05)

    # --- the count ----------------------------------------------------------

    def seen(self, topic):
        """How often each (partition, offset) is there."""
        seen = collections.Counter()
        if self.sql("select to_regclass('staging.chaos_events')") == [[""]]:
            return seen            # nobody has come so far
        for query in (f"select part, at_offset from staging.chaos_events "
                      f"where run = '{topic}'",
                      f"select part, position from millrace.reject "
                      f"where source like 'kafka:%/{topic}'"):
            seen.update((int(part), int(offset))
                        for part, offset in self.sql(query))
        return seen

    def count_topic(self, topic):
        """(lost, doubled) of what the broker acknowledged."""
        seen = self.seen(topic)
        lost = sum(1 for place in self.topics[topic] if not seen[place])
        return lost, sum(count - 1 for count in seen.values() if count > 1)

    def gaps(self):
        return int(self.sql("select count(*) from millrace.gap")[0][0])

"""A psql that answers one question after the other."""
import subprocess
import time


class Session:
    """A psql that stays: transactions may be left open between calls."""

    def __init__(self, environment):
        self.psql = subprocess.Popen(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=0"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)

    def ask(self, sql):
        """What psql says to it, errors too, and whether it is still there."""
        self.psql.stdin.write(sql + "\n;\n\\echo ~end~\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line == "~end~\n":
                return lines, True
            lines.append(line.rstrip("\n"))
        return lines, False

    def run(self, sql):
        lines, _ = self.ask(sql)
        errors = [line for line in lines if "ERROR:" in line]
        if errors:
            raise RuntimeError(f"{errors[0]}\nin: {sql}")
        return lines

    def wait_for_none(self, query, seconds):
        """Until the query finds no rows."""
        deadline = time.monotonic() + seconds
        while self.run(query):
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {seconds} s there still are: {query}")

    def close(self):
        self.psql.stdin.close()
        self.psql.stdout.close()
        self.psql.wait()

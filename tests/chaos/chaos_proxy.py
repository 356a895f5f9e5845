"""chaos_proxy.py - a proxy that breaks connections where it hurts

It stands between a program and PostgreSQL, follows the protocol's messages,
and knows the one that decides: the simple query that moves the positions and
commits, unless told another.  A plan is asked what to do with each of those; everything else passes.

What a plan may answer:
  pass        forward it
  cut-before  break the connection, the server never sees the message
  cut-after   forward it, break the connection when the answer comes
  late        break the connection at once; the server gets the message later
  half-open   never forward it, answer nothing; the client must give up itself
  hold        break the connection at once; the server gets the message when
              release() is called, and what it says is kept in `answers`
  freeze      keep it until release(), the connection stays whole
  delay       forward it a little later
  overtaken   forward it when another has come, or after `patience` seconds
"""

import asyncio
import threading


def is_final(message):
    return message[5:].startswith(b"notify millrace; select millrace.advance")


class Proxy:
    """Listens on 127.0.0.1; `plan` is a function () -> action."""

    def __init__(self, server_socket, decides=is_final):
        self.server_socket = server_socket
        self.decides = decides
        self.plan = lambda: "pass"
        self.counts = {}
        self.port = None
        self.answers = []          # what the server said to held messages
        self.held = threading.Event()
        self.patience = 0.3
        self._came = 0
        self._release = None
        self._block = False
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, daemon=True).start()
        self._ready.wait()

    def dsn(self, database):
        return (f"host=127.0.0.1 port={self.port} user=postgres "
                f"dbname={database} sslmode=disable gssencmode=disable")

    def release(self):
        """Lets the held message go; its answer appears in `answers`."""
        self._loop.call_soon_threadsafe(self._release.set)

    def block(self, on):
        """Makes every other deciding message wait while on."""
        self._block = on

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self):
        self._release = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await server.serve_forever()

    async def _connection(self, client_reader, client):
        try:
            server_reader, server = await asyncio.open_unix_connection(
                self.server_socket)
        except OSError:
            client.transport.abort()
            return
        link = Link(self, client_reader, client, server_reader, server)
        down = asyncio.ensure_future(link.down())
        try:
            await link.up()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            if not link.detached:
                server.close()
                client.close()
                down.cancel()


class Link:
    """One connection through the proxy."""

    def __init__(self, proxy, client_reader, client, server_reader, server):
        self.proxy = proxy
        self.client_reader, self.client = client_reader, client
        self.server_reader, self.server = server_reader, server
        self.answer = None        # bytes of the server's, while kept
        self.swallowing = False   # the client does not get them
        self.answered = asyncio.Event()
        self.detached = False     # the server's half lives on by itself

    async def down(self):
        """Server to client; swallows while an answer is being kept."""
        try:
            while data := await self.server_reader.read(65536):
                if not self.swallowing:
                    self.client.write(data)
                    await self.client.drain()
                if self.answer is not None:
                    self.answer += data
                    if b"Z\0\0\0\5" in self.answer:
                        self.answered.set()
        except OSError:
            pass
        self.answered.set()
        if not self.swallowing:
            self.client.close()

    async def up(self):
        """Client to server, message by message."""
        length = int.from_bytes(await self.client_reader.readexactly(4), "big")
        rest = await self.client_reader.readexactly(length - 4)
        self.server.write(length.to_bytes(4, "big") + rest)
        while True:
            head = await self.client_reader.readexactly(5)
            length = int.from_bytes(head[1:], "big")
            message = head + await self.client_reader.readexactly(length - 4)
            if not self.proxy.decides(message):
                self.server.write(message)
                await self.server.drain()
            elif not await self.final(message):
                return

    async def final(self, message):
        while self.proxy._block:
            await asyncio.sleep(0.01)
        self.proxy._came += 1
        action = self.proxy.plan()
        self.proxy.counts[action] = self.proxy.counts.get(action, 0) + 1
        if action == "delay":
            await asyncio.sleep(0.3)
        if action == "overtaken":
            await self.another()
        if action in ("pass", "delay", "overtaken"):
            self.server.write(message)
            await self.server.drain()
            return True
        self.answer = b""
        if action == "freeze":
            await self.keep()
            await self.send(message)
            return True
        self.swallowing = True
        if action == "cut-before":
            self.client.transport.abort()
        elif action == "half-open":
            await self.client_reader.read(1)
        elif action == "cut-after":
            self.server.write(message)
            await asyncio.wait_for(self.answered.wait(), 120)
            self.client.transport.abort()
        else:
            await self.send_later(message, action)
        return False

    async def another(self):
        """Until another deciding message is with the server, or time is over."""
        came, loop = self.proxy._came, asyncio.get_running_loop()
        end = loop.time() + self.proxy.patience
        while self.proxy._came == came and loop.time() < end:
            await asyncio.sleep(0.01)
        if self.proxy._came > came:
            await asyncio.sleep(0.1)

    async def send_later(self, message, action):
        """The client sees its connection die; the server does not."""
        self.detached = True
        self.client.transport.abort()
        try:
            if action == "hold":
                await self.keep()
            else:
                await asyncio.sleep(0.5)
            await self.send(message)
        finally:
            self.server.close()

    async def keep(self):
        self.proxy._release.clear()
        self.proxy.held.set()
        await self.proxy._release.wait()

    async def send(self, message):
        self.server.write(message)
        await asyncio.wait_for(self.answered.wait(), 120)
        self.proxy.answers.append(bytes(self.answer))
        self.answer = None

"""A proxy before an object store that does to requests what a test says.

A fault is {"kind": …} and the settings that the test wants to change:
    latency     waits `seconds` before it passes each request on
    forbidden   403 AccessDenied          busy    503 SlowDown          (it answers in the store's own words,
    full        507 InsufficientStorage   quota   403 QuotaExceeded      and the store does not see the request)
    slow        passes bodies on with `bytes_per_second`, both ways
    reset       resets the connection once `after` bytes of bodies have passed
`method` ("PUT") and `prefix` ("/bucket/wal/") limit it to some requests, and `times` to so many. The last fault that matches counts.

A test in this process calls fault() and clear(). Any other test sends faults to /_faults: PUT with a fault as body, DELETE; GET lists them.
"""
import asyncio
import http
import json
import socket
import ssl
import struct
import threading

ANSWERS = {"forbidden": (403, "AccessDenied", "Access Denied."), "busy": (503, "SlowDown", "Please reduce your request rate."),
           "full": (507, "InsufficientStorage", "No space left on device."), "quota": (403, "QuotaExceeded", "Your request was denied due to quota exceeded.")}
DEFAULTS = {"latency": {"seconds": 1.0}, "slow": {"bytes_per_second": 65536}, "reset": {"after": 0}, **{kind: {} for kind in ANSWERS}}
CONTROL = "/_faults"
PIECE = 65536
LINGER = 30


class Reset(Exception):
    pass


def complete(fault):
    """Returns the fault with its defaults filled in; ValueError when there is no such fault."""
    whole = {"method": "", "prefix": "/", "times": None, **DEFAULTS.get(fault.get("kind"), {}), **fault, "seen": 0, "passed": 0}
    if fault.get("kind") not in DEFAULTS or set(fault) - {"kind", "method", "prefix", "times", *DEFAULTS[fault["kind"]]}:
        raise ValueError(f"no such fault: {json.dumps(fault)}")
    return whole


class FaultProxy:
    """Lives in a thread of this process, so it ends with it. `tls`: paths of certificate and key; `store_ca`: the authority of the store's certificate."""

    def __init__(self, host, store_port, tls=None, store_ca=None):
        self.host, self.store_port = host, store_port
        self.faults, self.lock = [], threading.Lock()
        self.store_tls = ssl.create_default_context(cafile=store_ca) if store_ca else None
        served = None
        if tls:
            served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            served.load_cert_chain(*tls)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self.serve, host, 0, ssl=served), self.loop).result(30)
        self.port = self.server.sockets[0].getsockname()[1]

    def fault(self, kind, **more):
        """Adds a fault until clear(). It counts the requests that met it ("seen") and the bytes of bodies that passed nevertheless ("passed")."""
        fault = complete({"kind": kind, **more})
        with self.lock:
            self.faults.append(fault)
        return fault

    def clear(self):
        with self.lock:
            self.faults.clear()

    def stop(self):
        async def end():
            self.server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)
        self.loop.close()

    def met(self, method, path):
        """The fault that this request meets, or {}."""
        with self.lock:
            for fault in reversed(self.faults):
                if fault["method"] in ("", method) and path.startswith(fault["prefix"]) and (fault["times"] is None or fault["seen"] < fault["times"]):
                    fault["seen"] += 1
                    return fault
        return {}

    async def serve(self, reader, writer):
        """Serves one request of one connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            if path == CONTROL:
                await self.control(method, head, reader, writer)
                return
            fault = self.met(method, path)
            kind = fault.get("kind")
            if kind == "latency":
                await asyncio.sleep(fault["seconds"])
            if kind == "reset" and not fault["after"]:
                raise Reset
            if kind in ANSWERS:
                status, code, message = ANSWERS[kind]
                await say(reader, writer, status, f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>', "application/xml")
            else:
                await self.relay(head, reader, writer, fault)
        except (Reset, OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            reset(writer)
        finally:
            writer.close()

    async def relay(self, head, reader, writer, fault):
        """Passes one request and its answer on. The signed host name stays as it is."""
        store_reader, store_writer = await asyncio.open_connection(self.host, self.store_port, ssl=self.store_tls)
        try:
            lines = [line for line in head.rstrip(b"\r\n").split(b"\r\n") if not line.lower().startswith(b"connection:")]
            store_writer.write(b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n")
            upload = asyncio.ensure_future(pump(reader, store_writer, fault))
            answer = asyncio.ensure_future(self.answer(store_reader, writer, fault))
            try:
                done, _ = await asyncio.wait({upload, answer}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                await answer  # it ends when the store closes the connection
            finally:
                upload.cancel()
                answer.cancel()
        finally:
            store_writer.close()

    async def answer(self, store_reader, writer, fault):
        head = b"HTTP/1.1 100"
        while head.startswith(b"HTTP/1.1 1"):  # a "Continue" may come before the real answer
            head = await store_reader.readuntil(b"\r\n\r\n")
            writer.write(head)
        await pump(store_reader, writer, fault)

    async def control(self, method, head, reader, writer):
        status, body = 200, ""
        try:
            if method == "PUT":
                length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
                self.fault(**json.loads(await reader.readexactly(length)))
            elif method == "DELETE":
                self.clear()
            with self.lock:
                body = json.dumps(self.faults)
        except (ValueError, TypeError, StopIteration) as error:
            status, body = 400, json.dumps({"message": str(error)})
        await say(reader, writer, status, body, "application/json")


async def pump(reader, writer, fault):
    """Passes a body on to its end."""
    rate, after = fault.get("bytes_per_second"), fault.get("after")
    piece = min(PIECE, max(1, rate // 20)) if rate else PIECE
    while data := await reader.read(piece):
        if rate:
            await asyncio.sleep(len(data) / rate)
        if fault:
            fault["passed"] += len(data)
        if after is not None and fault["passed"] >= after:
            raise Reset
        writer.write(data)
        await writer.drain()


async def say(reader, writer, status, body, content_type):
    """Answers, then reads the rest of the client's request: if we closed at once, the client would lose the answer."""
    body = body.encode()
    writer.write(f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    try:
        await asyncio.wait_for(drain(reader), LINGER)
    except (asyncio.TimeoutError, OSError):
        pass


async def drain(reader):
    while await reader.read(PIECE):
        pass


def reset(writer):
    if connection := writer.get_extra_info("socket"):
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()

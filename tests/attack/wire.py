"""HTTP calls and bare sockets.

One connection a call, so that a refused body disturbs no other call. Must never raise for an answer that the service gives:
a broken connection is an answer too, with status 0."""

import http.client
import json
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What came back; status 0 where nothing did."""

    status: int
    text: str
    headers: dict
    seconds: float

    def json(self):
        """The body's JSON; {} where it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return {}

    @property
    def ok(self):
        """Whether it is a success."""
        return 200 <= self.status < 300

    @property
    def short(self):
        """Status and code, for a table."""
        code = self.json().get("code") if isinstance(self.json(), dict) else None
        return f"{self.status} {code or self.text[:60]}".strip()


def call(base, method, path, key="", body=None, headers=None, timeout=60):
    """Sends a request and reads the whole answer."""
    begun = time.monotonic()
    host = urlsplit(base)
    kind = http.client.HTTPSConnection if host.scheme == "https" else http.client.HTTPConnection
    connection = kind(host.hostname, host.port, timeout=timeout)
    sent = dict(headers or {})
    if key:
        sent["authorization"] = f"Bearer {key}"
    if body is not None:
        sent.setdefault("content-type", "application/json")
        body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        body = body.encode() if isinstance(body, str) else body
    try:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        return Answer(response.status, text, dict(response.getheaders()), time.monotonic() - begun)
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, f"{type(error).__name__}: {error}", {}, time.monotonic() - begun)
    finally:
        connection.close()


def open_socket(base, timeout=10):
    """A bare TCP connection to the service."""
    host = urlsplit(base)
    return socket.create_connection((host.hostname, host.port or 80), timeout)


def is_closed(sock):
    """Whether the other side has closed a connection; what it said before is read and dropped."""
    sock.setblocking(False)
    try:
        while True:
            if not sock.recv(65536):
                return True
    except (BlockingIOError, InterruptedError):
        return False
    except OSError:
        return True


def head(base, path, key, length=None):
    """The head of a POST; chunked where there is no length."""
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return (
        f"POST {path} HTTP/1.1\r\nhost: {urlsplit(base).netloc}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\n{size}\r\n\r\n"
    ).encode()


class Http2:
    """Just enough of HTTP/2 with prior knowledge to hold bodies open: no Huffman codes, no dynamic table."""

    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    def __init__(self, base, key):
        self.sock = open_socket(base)
        self.authority, self.key, self.buffer = urlsplit(base).netloc, key, b""
        self.connection_window, self.stream_window, self.most_streams = 65535, 65535, None
        self.windows = {}
        # Windows of our own do not matter: answers are dropped.
        self.sock.sendall(self.PREFACE + frame(4, 0, 0, b""))

    def speaks(self, patience=3):
        """Whether the other side answers with a SETTINGS frame."""
        end = time.monotonic() + patience
        self.sock.settimeout(0.2)
        while time.monotonic() < end:
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return False
            if not data:
                return False
            self.buffer += data
            if self.buffer.startswith(b"HTTP/1"):
                return False
            if len(self.buffer) >= 9:
                return self.buffer[3] == 4
        return False

    def open(self, stream, path):
        """Begins a POST on a stream."""
        fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", self.authority)]
        fields += [("authorization", f"Bearer {self.key}"), ("content-type", "application/json")]
        block = b"".join(literal(name, value) for name, value in fields)
        self.windows[stream] = self.stream_window
        self.sock.settimeout(5)
        self.sock.sendall(frame(1, 4, stream, block))

    def send(self, stream, data):
        """Sends as much of `data` on a stream as the windows take; gives how much that was."""
        sent = 0
        while sent < len(data):
            room = min(self.connection_window, self.windows[stream], 16384, len(data) - sent)
            if room <= 0:
                if not self.read():
                    return sent
                continue
            self.sock.settimeout(5)
            self.sock.sendall(frame(0, 0, stream, data[sent : sent + room]))
            self.connection_window -= room
            self.windows[stream] -= room
            sent += room
            self.read(wait=0)
        return sent

    def read(self, wait=1.0):
        """Takes in frames; gives whether there were any."""
        self.sock.settimeout(wait or 0.0001)
        try:
            data = self.sock.recv(65536)
        except (TimeoutError, BlockingIOError):
            data = b""
        if not data and not self.buffer:
            return False
        self.buffer += data
        seen = False
        while len(self.buffer) >= 9:
            size = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + size:
                break
            kind, flags = self.buffer[3], self.buffer[4]
            stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
            payload, self.buffer = self.buffer[9 : 9 + size], self.buffer[9 + size :]
            self.take(kind, flags, stream, payload)
            seen = True
        return seen

    def take(self, kind, flags, stream, payload):
        """What a frame changes."""
        if kind == 8:
            more = int.from_bytes(payload, "big")
            if stream == 0:
                self.connection_window += more
            else:
                self.windows[stream] = self.windows.get(stream, self.stream_window) + more
        elif kind == 4 and not flags & 1:
            for at in range(0, len(payload) - 5, 6):
                name, value = int.from_bytes(payload[at : at + 2], "big"), int.from_bytes(payload[at + 2 : at + 6], "big")
                if name == 4:
                    change, self.stream_window = value - self.stream_window, value
                    self.windows = {s: w + change for s, w in self.windows.items()}
                elif name == 3:
                    self.most_streams = value
            self.sock.sendall(frame(4, 1, 0, b""))
        elif kind == 7:
            raise ConnectionError("the service ended the connection (GOAWAY)")
        elif kind == 3:
            self.windows[stream] = -(1 << 40)


def frame(kind, flags, stream, payload):
    """An HTTP/2 frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def literal(name, value):
    """A header field, never indexed and not compressed."""
    return b"\x10" + text(name) + text(value)


def text(string):
    """A string of a header field: its length in HPACK's form, then its bytes."""
    data = string.encode()
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, coded = len(data) - 127, bytearray([127])
    while rest >= 128:
        coded.append(rest % 128 + 128)
        rest //= 128
    return bytes(coded) + bytes([rest]) + data

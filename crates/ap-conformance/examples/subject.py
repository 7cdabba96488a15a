#!/usr/bin/env python3
"""A subject for the conformance suite that uses only Python's standard library.

It speaks the protocol that docs/conformance/other-languages.md describes. It makes its calls over sockets, because
http.client accepts many responses that are not valid. Run it with

    cargo xtask conformance --exec 'python3 crates/ap-conformance/examples/subject.py'

A test of the suite checks that it passes every case of the profile key-safety that applies to it.
"""

import base64
import ipaddress
import json
import re
import select
import socket
import ssl
import sys
import time
from urllib.parse import quote, urlsplit

RESERVED = {
    "authorization", "proxy-authorization", "host", "content-length", "transfer-encoding",
    "connection", "te", "trailer", "upgrade", "expect", "keep-alive", "proxy-connection",
}
# Answers to a bad key: a status, and the members of a JSON object or a whole text. Those of None are any product's.
BAD_KEY_FORMS = {
    None: [(401, {"error": "authentication failed"})],
    "trustedform": [
        (401, {"outcome": "error", "reason": "Unauthorized"}),
        (401, {"errors.detail": "Unauthorized", "message": "Unauthorized"}),
        (403, {"error": "Invalid Authentication"}),
    ],
    "suppressionlist": [
        (401, {"message": "HTTP Basic: Access denied"}),
        (401, "HTTP Basic: Access denied.\n"),
    ],
}


class Refused(Exception):
    """The request may not carry a key; nothing was sent."""


class Failure(Exception):
    """There is no complete response; the kind says why."""

    def __init__(self, kind):
        super().__init__(kind)
        self.kind = kind


class Client:
    """The account's keys, the allowed origins, and which key to try first."""

    def __init__(self, begin):
        self.keys = []
        # Which key to try first, by product.
        self.first = {}
        self.install(begin["keys"])
        self.user = begin["user"]
        self.service = begin["service"]
        self.origins = begin["origins"]
        self.settings = begin["settings"]
        self.kept = {}
        self.tls = ssl.create_default_context(cadata=begin.get("root_pem") or None)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self.tls.hostname_checks_common_name = False

    def install(self, keys):
        """Keep equal keys once, and keep each product's accepted key."""
        found = {product: self.keys[at] for product, at in self.first.items()}
        self.keys = list(dict.fromkeys(entry["key"] for entry in keys))
        self.first = {p: self.keys.index(key) for p, key in found.items() if key in self.keys}

    def call(self, request):
        if request.get("install") is not None:
            self.install(request["install"])
        service, url = self.url(request)
        product = service.partition("-")[0]
        headers = self.headers(request)
        body = base64.b64decode(request["body"])
        deadline = time.monotonic() + self.settings["timeout_ms"] / 1000
        if not request["signed"]:
            return self.send(request["method"], url, headers, body, deadline)
        first = self.first.get(product, 0)
        answer = None
        for index in range(first, first + len(self.keys)):
            index %= len(self.keys)
            signed = headers + [("Authorization", self.authorization(self.keys[index]))]
            answer = self.send(request["method"], url, signed, body, deadline)
            if not self.is_rejected_key(answer, product):
                status = answer["status"]
                later = index != first and 400 <= status < 500
                if status < 300 or later and status not in (401, 403, 407, 408, 421, 425, 429):
                    self.first[product] = index
                return answer
        if answer is None:
            return {"outcome": "unauthorized"}
        return {**answer, "outcome": "unauthorized"}

    def authorization(self, key):
        pair = f"{self.user}:{key}".encode()
        return "Basic " + base64.b64encode(pair).decode()

    def url(self, request):
        if request["path"] is not None:
            path = request["path"]
            if not path.startswith("/") or path[1:2] in ("/", "\\"):
                raise Refused("path")
            path, mark, query = path.partition("?")
            safe = "/&=%:@!$()*+,;~-._#\\\t\r\n\x00\x7f?"
            path = quote(path, safe=safe + "'") + mark + quote(query, safe=safe)
            url = self.origins[self.service] + path
        else:
            url = request["url"]
        match = re.fullmatch(r"((?:http|https|HTTP|HTTPS)://[^/?#\\@]+)(/[^#\\]*)?", url, re.ASCII)
        if not match or any(c <= " " or c > "~" or c in '"<>`{}|^[]' for c in match[2] or "/"):
            raise Refused("url")
        target = match[2] or "/"
        services = [s for s, origin in self.origins.items() if self.same_origin(match[1], origin)]
        if not services:
            raise Refused("origin")
        path, _, query = target.partition("?")
        decoded = path.replace("%2e", ".").replace("%2E", ".")
        if any(part in (".", "..") for part in decoded.split("/")) or "'" in query:
            raise Refused("path")
        if re.search(r"%(?![0-9A-Fa-f]{2})", target) or len(target) > 7900:
            raise Refused("path")
        if target.startswith("//") or any(key in target for key in self.keys):
            raise Refused("path")
        return services[0], match[1].lower() + target

    @staticmethod
    def same_origin(one, other):
        def parts(origin):
            scheme, _, authority = origin.lower().partition("://")
            own = {"http": "80", "https": "443"}.get(scheme)
            host, colon, port = authority.rpartition(":")
            if not colon or authority.endswith("]"):
                host, port = authority, own
            if not re.fullmatch(r"[1-9][0-9]{0,4}", port or "") or int(port) > 65535:
                return None
            return scheme, host, port

        return parts(one) is not None and parts(one) == parts(other)

    def headers(self, request):
        if request["method"] in ("TRACE", "CONNECT"):
            raise Refused("method")
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", request["method"]):
            raise Refused("method")
        headers = []
        for name, value in request["headers"]:
            if name.lower() in RESERVED or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                raise Refused("header")
            if not re.fullmatch(r"[\t -~]*", value, re.ASCII):
                raise Refused("header")
            headers.append((name, value))
        if all(name.lower() != "accept" for name, _ in headers):
            headers.append(("Accept", "application/json"))
        return headers

    def send(self, method, url, headers, body, deadline):
        origin, _, target = re.fullmatch(r"(https?://([^/]+))(/.*)", url).groups()
        lines = [f"{method} {target} HTTP/1.1", f"Host: {origin.partition('://')[2]}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        if deadline <= time.monotonic():
            raise Failure("timeout")
        connection = self.kept.pop(origin, None)
        if connection is None or not connection.is_quiet():
            connection = Connection(self, origin, deadline)
        keep = False
        try:
            connection.deadline = deadline
            is_sent = connection.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            answer, keep = Response(connection, self.settings).read(method)
            keep = keep and is_sent
            return answer
        finally:
            if keep:
                self.kept[origin] = connection
            else:
                connection.close()

    def is_rejected_key(self, answer, product):
        body = base64.b64decode(answer["body"])
        forms = BAD_KEY_FORMS[None] + BAD_KEY_FORMS.get(product, [])
        forms = [form for status, form in forms if status == answer["status"]]
        if not forms or len(body) > 64 * 1024:
            return False
        if any(isinstance(form, str) and form.encode() == body for form in forms):
            return True

        def member(value, path):
            for name in path.split("."):
                value = value.get(name) if isinstance(value, dict) else None
            return value

        def constant(text):
            raise ValueError(f"{text} is not JSON")

        def once(pairs):
            if len({name for name, _ in pairs}) < len(pairs):
                raise ValueError("a name is used twice")
            return dict(pairs)

        try:
            document = json.loads(body.decode("utf-8-sig"), object_pairs_hook=once, parse_constant=constant)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict) and any(
            all(member(document, name) == value for name, value in form.items())
            for form in forms
            if isinstance(form, dict)
        )


class Connection:
    """A socket with a deadline, and the bytes that were read ahead."""

    def __init__(self, client, origin, deadline):
        self.deadline = deadline
        self.buffer = b""
        self.sock = None
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        loopback = host == "localhost"
        try:
            loopback = loopback or ipaddress.ip_address(host).is_loopback
        except ValueError:
            pass
        if parts.scheme == "http" and not loopback:
            raise Refused("plain http")
        settings = client.settings
        proxy = urlsplit(settings["proxy"]) if settings["proxy"] and not loopback else None
        connect_deadline = time.monotonic() + settings["connect_timeout_ms"] / 1000
        late_kind = "timeout" if deadline <= connect_deadline else "connect_timeout"
        self.deadline = min(deadline, connect_deadline)
        try:
            at = (proxy.hostname, proxy.port) if proxy else (host, port)
            self.sock = socket.create_connection(at, timeout=self.remaining())
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if proxy:
                self.tunnel(host, port, settings)
            if parts.scheme == "https":
                self.sock.settimeout(self.remaining())
                self.sock = client.tls.wrap_socket(self.sock, server_hostname=host)
        except (TimeoutError, Failure) as error:
            self.close()
            if isinstance(error, Failure) and error.kind != "timeout":
                raise
            raise Failure(late_kind) from error
        except ssl.SSLError as error:
            self.close()
            raise Failure("tls") from error
        except socket.gaierror as error:
            raise Failure("proxy" if proxy else "dns") from error
        except OSError as error:
            self.close()
            raise Failure("proxy" if proxy else "connect") from error

    def tunnel(self, host, port, settings):
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
        if settings["proxy_user"] is not None:
            pair = f"{settings['proxy_user']}:{settings['proxy_password']}".encode()
            lines.append("Proxy-Authorization: Basic " + base64.b64encode(pair).decode())
        self.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        try:
            status = Response(self, settings).head()[0]
        except Failure as failure:
            raise failure if failure.kind == "timeout" else Failure("proxy") from failure
        if not 200 <= status < 300 or self.buffer:
            raise Failure("proxy")

    def remaining(self):
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise Failure("timeout")
        # A socket cannot count much longer timeouts.
        return min(remaining, 3600)

    def is_quiet(self):
        """Return True if nothing has arrived unasked, and the server has not closed it."""
        return not self.buffer and self.poll() is None

    def poll(self):
        """Return what has arrived, or None. With TLS, bytes may have arrived without any data."""
        self.sock.settimeout(0)
        try:
            return self.sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError:
            return b""

    def write(self, data):
        """Send data. Return False if a response arrives before everything is sent."""
        if self.poll():
            raise Failure("malformed")
        at = 0
        view = memoryview(data)
        while at < len(data):
            # A response ends an upload that is still being sent.
            watched = [self.sock] if at else []
            readable, writable, _ = select.select(watched, [self.sock], [], self.remaining())
            if readable and (early := self.poll()) is not None:
                self.buffer += early
                return False
            if writable:
                self.sock.settimeout(0)
                try:
                    at += self.sock.send(view[at : at + 65536])
                except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                    pass
                except OSError:
                    # A response may have arrived in spite of the error.
                    return False
        return True

    def more(self):
        """Read more. Return False if the connection has ended."""
        self.sock.settimeout(self.remaining())
        try:
            data = self.sock.recv(65536)
        except TimeoutError as error:
            raise Failure("timeout") from error
        except OSError:
            data = b""
        self.buffer += data
        return bool(data)

    def line(self, limit):
        """Return a line with its line break, or None if the connection has ended."""
        start = 0
        while (end := self.buffer.find(b"\n", start)) < 0:
            if len(self.buffer) > limit:
                raise Failure("too_large")
            start = len(self.buffer)
            if not self.more():
                return None
        if end > limit:
            raise Failure("too_large")
        line, self.buffer = self.buffer[: end + 1], self.buffer[end + 1 :]
        return line

    def exactly(self, length):
        while len(self.buffer) < length:
            if not self.more():
                raise Failure("truncated")
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def close(self):
        if self.sock is not None:
            self.sock.close()


class Response:
    """Reads one response strictly."""

    STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [\t -~\x80-\xff]*)?\r\n")
    FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*\r\n")
    CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t -~\x80-\xff]*)?\r\n")

    def __init__(self, connection, settings):
        self.connection = connection
        self.settings = settings

    def head(self):
        """Return status, version, headers and size of one head."""
        while len(self.connection.buffer) < 5 and b"HTTP/".startswith(self.connection.buffer):
            if not self.connection.more():
                raise Failure("closed")
        if not self.connection.buffer.startswith(b"HTTP/"):
            raise Failure("malformed")
        line = self.connection.line(self.settings["head_limit"] + 200)
        if line is None:
            raise Failure("closed")
        start = self.STATUS.fullmatch(line)
        if not start:
            raise Failure("malformed")
        fields, size = [], 0
        while line != b"\r\n":
            line = self.connection.line(self.settings["head_limit"] + 2)
            if line is None:
                raise Failure("closed")
            size += len(line)
            if size > self.settings["head_limit"] + 2 or len(fields) > self.settings["header_limit"]:
                raise Failure("too_large")
            field = self.FIELD.fullmatch(line)
            if field:
                fields.append((field[1].decode(), field[2].decode("latin-1")))
            elif line != b"\r\n":
                raise Failure("malformed")
        if len(fields) > self.settings["header_limit"]:
            raise Failure("too_large")
        return int(start[2]), int(start[1]), fields, size

    def read(self, method):
        """Return the answer, and True if the connection can be reused."""
        informational = size = 0
        while True:
            status, version, fields, length = self.head()
            if status == 101:
                raise Failure("malformed")
            if status >= 200:
                break
            informational, size = informational + 1, size + length
            if informational > 100 or size > self.settings["head_limit"]:
                raise Failure("too_large")
        body, whole = self.body(method, status, version, fields)
        tokens = {t.strip().lower() for t in ",".join(self.values(fields, "connection")).split(",")}
        answer = {
            "outcome": "response",
            "status": status,
            "headers": fields,
            "body": base64.b64encode(body).decode(),
        }
        return answer, whole and version == 1 and "close" not in tokens

    @staticmethod
    def values(fields, wanted):
        return [value for name, value in fields if name.lower() == wanted]

    def body(self, method, status, version, fields):
        lengths = set(self.values(fields, "content-length"))
        codings = self.values(fields, "transfer-encoding")
        valid = all(re.fullmatch(r"[0-9]{1,20}", length) for length in lengths)
        if len(lengths) > 1 or not valid or lengths and codings:
            raise Failure("malformed")
        if codings and (version == 0 or [coding.lower() for coding in codings] != ["chunked"]):
            raise Failure("malformed")
        if method == "HEAD" or status in (204, 304):
            return b"", True
        if codings:
            return self.chunks(), True
        if not lengths:
            self.drain()
            raise Failure("truncated")
        length = int(lengths.pop())
        if length > self.settings["body_limit"]:
            raise Failure("too_large")
        return self.connection.exactly(length), True

    def drain(self):
        """Read a body without a length. Nobody can tell if it is complete."""
        size = 0
        while self.connection.more():
            size += len(self.connection.buffer)
            self.connection.buffer = b""
            if size > self.settings["body_limit"]:
                raise Failure("too_large")

    def chunks(self):
        parts, size = [], 0
        while True:
            line = self.connection.line(16 * 1024)
            if line is None:
                raise Failure("truncated")
            match = self.CHUNK.fullmatch(line)
            if not match:
                raise Failure("malformed")
            length = int(match[1], 16)
            if length == 0:
                break
            size += length
            if size > self.settings["body_limit"]:
                raise Failure("too_large" if length < 1 << 63 else "malformed")
            parts.append(self.connection.exactly(length))
            if self.connection.exactly(2) != b"\r\n":
                raise Failure("malformed")
        trailers = 0
        while line != b"\r\n":
            line = self.connection.line(16 * 1024)
            if line is None:
                raise Failure("truncated")
            trailers += len(line)
            if trailers > self.settings["head_limit"] or line != b"\r\n" and not self.FIELD.fullmatch(line):
                raise Failure("malformed")
        return b"".join(parts)


def main():
    client = None
    for line in sys.stdin:
        message = json.loads(line)
        if message["op"] == "begin":
            client = Client(message)
            answer = {"ok": True}
            if (message["settings"]["proxy"] or "").startswith("https:"):
                answer = {"skip": "Python has no TLS inside TLS, so no https proxy"}
        elif message["op"] == "call":
            try:
                answer = client.call(message)
            except Refused:
                answer = {"outcome": "refused"}
            except Failure as failure:
                answer = {"outcome": failure.kind, "text": repr(failure)}
        else:
            answer = {"ok": True}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

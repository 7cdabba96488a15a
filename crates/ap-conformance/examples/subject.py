#!/usr/bin/env python3
"""A subject for the conformance suite, with Python's standard library alone.

It answers one JSON object a line for each one that it reads, as docs/conformance.md describes, and
makes its calls with http.client, which follows nothing and reads no environment. Run it with

    cargo xtask conformance --exec 'python3 crates/ap-conformance/examples/subject.py'
"""

import base64
import http.client
import ipaddress
import json
import re
import socket
import ssl
import sys
import threading
import time
from urllib.parse import quote, urlsplit

RESERVED = {
    "authorization", "proxy-authorization", "host", "content-length", "transfer-encoding",
    "connection", "te", "trailer", "upgrade", "expect", "keep-alive", "proxy-connection",
}
BAD_KEY_FORMS = {
    None: [{"error": "authentication failed"}],
    "trustedform": [
        {"outcome": "error", "reason": "Unauthorized"},
        {"errors.detail": "Unauthorized", "message": "Unauthorized"},
    ],
    "suppressionlist": [{"message": "HTTP Basic: Access denied"}],
}


class Refused(Exception):
    """The request may not carry a key; nothing was sent."""


class Failure(Exception):
    """No complete response came; the kind says why."""

    def __init__(self, kind):
        super().__init__(kind)
        self.kind = kind


class Client:
    """The account's keys, where they may go, and which to try first."""

    def __init__(self, begin):
        # In order, and equal ones once.
        self.keys = list(dict.fromkeys(entry["key"] for entry in begin["keys"]))
        self.user = begin["user"]
        self.service = begin["service"]
        self.origins = begin["origins"]
        self.settings = begin["settings"]
        self.first = 0
        self.tls = ssl.create_default_context(cadata=begin.get("root_pem") or None)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_2

    def call(self, request):
        url = self.url(request)
        headers = self.headers(request)
        body = base64.b64decode(request["body"])
        if not request["signed"]:
            return self.send(request["method"], url, headers, body, self.deadline())
        deadline = self.deadline()
        order = range(self.first, self.first + len(self.keys))
        answer = None
        for index in (i % len(self.keys) for i in order):
            signed = headers + [("Authorization", self.authorization(self.keys[index]))]
            answer = self.send(request["method"], url, signed, body, deadline)
            if not self.is_refusal(answer):
                status = answer["status"]
                later = index != self.first and 400 <= status < 500
                if status < 300 or later and status not in (401, 403, 407, 408, 421, 425, 429):
                    self.first = index
                return answer
        if answer is None:
            return {"outcome": "unauthorized"}
        return {**answer, "outcome": "unauthorized"}

    def deadline(self):
        return time.monotonic() + min(self.settings["timeout_ms"] / 1000, threading.TIMEOUT_MAX)

    def authorization(self, key):
        pair = f"{self.user}:{key}".encode()
        return "Basic " + base64.b64encode(pair).decode()

    def url(self, request):
        if request["path"] is not None:
            path = request["path"]
            if not path.startswith("/") or path[1:2] in ("/", "\\"):
                raise Refused("path")
            url = self.origins[self.service] + quote(path, safe="/?&=%:@!$'()*+,;~-._#\\\t\r\n\x00")
        else:
            url = request["url"]
        match = re.fullmatch(r"(https?://[^/?#\\@]+)(/[^#\\]*)?", url, re.ASCII)
        if not match or any(c <= " " or c > "~" or c in '"<>`{}|^[]' for c in match[2] or "/"):
            raise Refused("url")
        target = match[2] or "/"
        if not any(self.same_origin(match[1], origin) for origin in self.origins.values()):
            raise Refused("origin")
        path, _, query = target.partition("?")
        decoded = path.replace("%2e", ".").replace("%2E", ".")
        if any(part in (".", "..") for part in decoded.split("/")) or "'" in query:
            raise Refused("path")
        if re.search(r"%(?![0-9A-Fa-f]{2})", target) or len(target) > 7900:
            raise Refused("path")
        if target.startswith("//") or any(key in target for key in self.keys):
            raise Refused("path")
        return match[1].lower() + target

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
        parts = urlsplit(url)
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure("timeout")
        connect = min(left, self.settings["connect_timeout_ms"] / 1000)
        connection = self.connection(parts, connect)
        # A drip resets every timeout of a single read, so a timer ends the connection itself.
        late = threading.Event()

        def end():
            late.set()
            if connection.sock is not None:
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        timer = threading.Timer(left, end)
        timer.start()
        try:
            return self.exchange(connection, method, parts, headers, body)
        except Failure as failure:
            raise Failure("timeout") if late.is_set() else failure
        finally:
            timer.cancel()
            connection.close()

    def connection(self, parts, timeout):
        host, port = parts.hostname, parts.port
        proxy = self.settings["proxy"]
        loopback = host == "localhost"
        try:
            loopback = loopback or ipaddress.ip_address(host).is_loopback
        except ValueError:
            pass
        if parts.scheme == "http" and not loopback:
            raise Refused("plain http")
        through = urlsplit(proxy) if proxy and not loopback else None
        at = (through.hostname, through.port) if through else (host, port)
        if parts.scheme == "https":
            made = http.client.HTTPSConnection(*at, timeout=timeout, context=self.tls)
        else:
            made = http.client.HTTPConnection(*at, timeout=timeout)
        if through:
            tunnel = {}
            if self.settings["proxy_user"] is not None:
                pair = f"{self.settings['proxy_user']}:{self.settings['proxy_password']}".encode()
                tunnel["Proxy-Authorization"] = "Basic " + base64.b64encode(pair).decode()
            made.set_tunnel(host, port or 443, tunnel)
        try:
            made.connect()
        except ssl.SSLError as error:
            raise Failure("tls") from error
        except (TimeoutError, socket.timeout) as error:
            raise Failure("connect_timeout") from error
        except socket.gaierror as error:
            raise Failure("proxy" if through else "dns") from error
        except OSError as error:
            raise Failure("proxy" if through else "connect") from error
        return made

    def exchange(self, connection, method, parts, headers, body):
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", parts.netloc)
            for name, value in headers:
                connection.putheader(name, value)
            if body or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            response = connection.getresponse()
        except (TimeoutError, socket.timeout) as error:
            raise Failure("timeout") from error
        except (http.client.BadStatusLine, http.client.RemoteDisconnected) as error:
            closed = isinstance(error, http.client.RemoteDisconnected) or not str(error).strip("'")
            raise Failure("closed" if closed else "malformed") from error
        except http.client.LineTooLong as error:
            raise Failure("too_large") from error
        except http.client.HTTPException as error:
            raise Failure("too_large" if "more than" in str(error) else "malformed") from error
        except OSError as error:
            raise Failure("closed") from error
        return self.read(response, method)

    def read(self, response, method):
        limit = self.settings["body_limit"]
        lines = response.getheaders()
        if len(lines) > self.settings["header_limit"]:
            raise Failure("too_large")
        if sum(len(n) + len(v) + 4 for n, v in lines) > self.settings["head_limit"]:
            raise Failure("too_large")
        bodiless = method == "HEAD" or response.status in (204, 304)
        if not bodiless and response.length is None and not response.chunked:
            raise Failure("truncated")
        if not bodiless and response.length is not None and response.length > limit:
            raise Failure("too_large")
        announced = response.length
        try:
            body = response.read(limit + 1)
        except http.client.IncompleteRead as error:
            raise Failure("truncated") from error
        except (TimeoutError, socket.timeout) as error:
            raise Failure("timeout") from error
        except (ValueError, OSError) as error:
            raise Failure("malformed" if isinstance(error, ValueError) else "truncated") from error
        if len(body) > limit:
            raise Failure("too_large")
        if not bodiless and announced is not None and len(body) < announced:
            raise Failure("truncated")
        return {
            "outcome": "response",
            "status": response.status,
            "headers": lines,
            "body": base64.b64encode(body).decode(),
        }

    def is_refusal(self, answer):
        if answer["status"] != 401:
            return False

        if len(base64.b64decode(answer["body"])) > 64 * 1024:
            return False

        def member(said, path):
            for name in path.split("."):
                said = said.get(name) if isinstance(said, dict) else None
            return said

        def constant(text):
            raise ValueError(f"{text} is not JSON")

        def once(pairs):
            if len({name for name, _ in pairs}) < len(pairs):
                raise ValueError("a name comes twice")
            return dict(pairs)

        try:
            text = base64.b64decode(answer["body"]).decode("utf-8-sig")
            said = json.loads(text, object_pairs_hook=once, parse_constant=constant)
        except (ValueError, RecursionError):
            return False
        forms = BAD_KEY_FORMS[None] + BAD_KEY_FORMS.get(self.service, [])
        return isinstance(said, dict) and any(
            all(member(said, name) == value for name, value in form.items()) for form in forms
        )


def main():
    client = None
    for line in sys.stdin:
        message = json.loads(line)
        if message["op"] == "begin":
            client = Client(message)
            answer = {"ok": True}
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

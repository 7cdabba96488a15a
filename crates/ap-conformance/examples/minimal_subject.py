"""The minimal form of a subject: a round trip for each line. Run by `cargo xtask conformance --exec-transport`."""

import base64, http.client, json, socket, ssl, sys
from urllib.parse import urlsplit

KINDS = [(ssl.SSLError, "tls"), (socket.gaierror, "dns"), (TimeoutError, "timeout"), (ConnectionRefusedError, "connect"),
         (http.client.IncompleteRead, "truncated"), (ConnectionError, "closed"), (OSError, "connect"),
         (http.client.HTTPException, "malformed"), (ValueError, "malformed")]

def round_trip(request):
    url, body = urlsplit(request["url"]), base64.b64decode(request["body"])
    timeout = request["settings"]["timeout_ms"] / 1000
    if url.scheme == "https":
        tls = ssl.create_default_context(cadata=request["root_pem"])
        tls.hostname_checks_common_name = False
        connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=timeout, context=tls)
    else:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
    target = url.path + ("?" + url.query if url.query else "")
    connection.putrequest(request["method"], target, skip_accept_encoding=True)
    for name, value in request["headers"]:
        connection.putheader(name, value)
    if body or request["method"] in ("POST", "PUT", "PATCH"):
        connection.putheader("Content-Length", len(body))
    connection.endheaders(body or None)
    response = connection.getresponse()
    if response.msg.defects or response.length is None and response.msg["content-length"]:
        raise ValueError("a header line is not valid")
    if response.length is None and not response.chunked:
        raise http.client.IncompleteRead(b"")
    content = base64.b64encode(response.read()).decode()
    return {"outcome": "response", "status": response.status, "headers": response.getheaders(), "body": content}

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = round_trip(request)
    except Exception as error:
        answer = {"outcome": next((kind for of, kind in KINDS if isinstance(error, of)), "other")}
    print(json.dumps({**answer, "id": request["id"]}), flush=True)

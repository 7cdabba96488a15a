// A subject for the conformance suite that uses only Node's standard library.
//
// It speaks the protocol that docs/conformance/other-languages.md describes. It has no proxy, and opens a connection for
// each request. Run it with
//
//     cargo xtask conformance --profile key-safety --without proxy="it has none" \
//         --exec 'node crates/ap-conformance/examples/subject.mjs'
//
// A test of the suite checks that it passes every case of this profile that applies to it.

import http from "node:http";
import https from "node:https";
import { createInterface } from "node:readline";
import tls from "node:tls";

const RESERVED = new Set([
  "authorization", "proxy-authorization", "host", "content-length", "transfer-encoding", "connection",
  "te", "trailer", "upgrade", "expect", "keep-alive", "proxy-connection",
]);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

// Answers to a bad key: a status, and the members of a JSON object or a whole text. `any` are those of any product.
const BAD_KEY_FORMS = {
  any: [[401, { error: "authentication failed" }]],
  trustedform: [
    [401, { outcome: "error", reason: "Unauthorized" }],
    [401, { "errors.detail": "Unauthorized", message: "Unauthorized" }],
    [403, { error: "Invalid Authentication" }],
  ],
  suppressionlist: [
    [401, { message: "HTTP Basic: Access denied" }],
    [401, "HTTP Basic: Access denied.\n"],
  ],
};

/** The call ended without a complete response; the kind says why. `refused`: nothing was sent. */
class Failure extends Error {
  constructor(kind) {
    super(kind);
    this.kind = kind;
  }
}

class Client {
  constructor(begin) {
    Object.assign(this, { user: begin.user, service: begin.service, origins: begin.origins, settings: begin.settings });
    this.roots = begin.root_pem ? [begin.root_pem] : undefined;
    this.keys = [];
    this.first = {};
    this.install(begin.keys);
  }

  /** Keeps equal keys once, and keeps each product's accepted key. */
  install(keys) {
    const old = this.keys;
    this.keys = [...new Set(keys.map(entry => entry.key))];
    const kept = Object.entries(this.first).map(([product, at]) => [product, this.keys.indexOf(old[at])]);
    this.first = Object.fromEntries(kept.filter(([, at]) => at >= 0));
  }

  async call(request) {
    if (request.install) this.install(request.install);
    const [service, origin, target] = this.url(request);
    const product = service.split("-")[0];
    const headers = this.headers(request);
    const body = Buffer.from(request.body, "base64");
    const deadline = Date.now() + this.settings.timeout_ms;
    if (!request.signed) return this.send(request.method, origin, target, headers, body, deadline);
    const first = this.first[product] ?? 0;
    let answer = { outcome: "unauthorized" };
    for (let tried = 0; tried < this.keys.length; tried += 1) {
      const at = (first + tried) % this.keys.length;
      const pair = Buffer.from(`${this.user}:${this.keys[at]}`).toString("base64");
      const signed = [...headers, ["Authorization", `Basic ${pair}`]];
      answer = await this.send(request.method, origin, target, signed, body, deadline);
      if (!isRejectedKey(answer, product)) {
        const { status } = answer;
        const isLater = tried > 0 && status >= 400 && status < 500;
        if (status < 300 || (isLater && ![401, 403, 407, 408, 421, 425, 429].includes(status))) this.first[product] = at;
        return answer;
      }
    }
    return { ...answer, outcome: "unauthorized" };
  }

  /** Returns the service, the origin and the target of a request, and refuses everything else. */
  url(request) {
    let { url } = request;
    if (request.path !== null) {
      const { path } = request;
      if (!path.startsWith("/") || /^\/[/\\]/.test(path)) throw new Failure("refused");
      const at = path.indexOf("?");
      const query = at < 0 ? "" : encode(path.slice(at), false);
      url = this.origins[this.service] + encode(at < 0 ? path : path.slice(0, at), true) + query;
    }
    const match = /^((?:http|https|HTTP|HTTPS):\/\/[^/?#\\@]+)(\/[^#\\]*)?$/.exec(url);
    if (!match || /[^!-~]|["<>`{}|^[\]]/.test(match[2] ?? "")) throw new Failure("refused");
    const origin = match[1].toLowerCase();
    const target = match[2] ?? "/";
    const own = parts(origin);
    const service = Object.keys(this.origins).find(name => own !== null && parts(this.origins[name]) === own);
    const path = target.split("?")[0].replace(/%2e/gi, ".");
    const query = target.slice(target.split("?")[0].length);
    const isBad = path.split("/").some(part => part === "." || part === "..") || query.includes("'")
      || /%(?![0-9A-Fa-f]{2})/.test(target) || target.length > 7900 || target.startsWith("//")
      || this.keys.some(key => target.includes(key));
    if (!service || isBad) throw new Failure("refused");
    return [service, origin, target];
  }

  headers(request) {
    if (["TRACE", "CONNECT"].includes(request.method) || !TOKEN.test(request.method)) throw new Failure("refused");
    const isBad = ([name, value]) => RESERVED.has(name.toLowerCase()) || !TOKEN.test(name) || !/^[\t -~]*$/.test(value);
    if (request.headers.some(isBad)) throw new Failure("refused");
    const accepts = request.headers.some(([name]) => name.toLowerCase() === "accept");
    return accepts ? request.headers : [...request.headers, ["Accept", "application/json"]];
  }

  send(method, origin, target, headers, body, deadline) {
    const { hostname, protocol, host } = new URL(origin);
    const isTls = protocol === "https:";
    if (!isTls && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) throw new Failure("refused");
    const lines = [["Host", origin.split("://")[1]], ...headers];
    if (body.length > 0 || ["POST", "PUT", "PATCH"].includes(method)) lines.push(["Content-Length", String(body.length)]);
    return new Promise((resolve, reject) => {
      const request = (isTls ? https : http).request({
        method, path: target, headers: lines.flat(), setDefaultHeaders: false, agent: false,
        host: hostname.replace(/[[\]]/g, ""), port: origin.split("://")[1].match(/:(\d+)$/)?.[1] ?? (isTls ? 443 : 80),
        ca: this.roots, servername: hostname, minVersion: "TLSv1.2", checkServerIdentity,
        maxHeaderSize: this.settings.head_limit + 200,
      });
      let kind = isTls ? "tls" : "connect";
      const fail = what => {
        request.destroy();
        reject(new Failure(what));
      };
      const timer = setTimeout(() => fail("timeout"), Math.max(0, deadline - Date.now()));
      request.on("close", () => clearTimeout(timer));
      const connected = () => { kind = "closed"; };
      request.on("socket", socket => socket.once(isTls ? "secureConnect" : "connect", connected));
      request.on("error", error => fail(errorKind(error, kind)));
      request.on("upgrade", () => fail("malformed"));
      request.on("response", response => {
        const hasLength = response.headers["content-length"] !== undefined || response.headers["transfer-encoding"] !== undefined;
        if (Number(response.headers["content-length"] ?? 0) > this.settings.body_limit) return fail("too_large");
        const hasBody = method !== "HEAD" && ![204, 304].includes(response.statusCode);
        const pieces = [];
        let size = 0;
        response.on("data", piece => {
          size += piece.length;
          if (size > this.settings.body_limit) fail("too_large");
          pieces.push(piece);
        });
        response.on("error", error => fail(errorKind(error, "truncated")));
        return response.on("end", () => {
          if (!response.complete || (hasBody && !hasLength)) return fail("truncated");
          const raw = response.rawHeaders;
          const fields = raw.flatMap((name, at) => (at % 2 ? [] : [[name, raw[at + 1]]]));
          request.destroy();
          return resolve({
            outcome: "response", status: response.statusCode, headers: fields,
            body: Buffer.concat(pieces).toString("base64"),
          });
        });
      });
      request.end(body);
    });
  }
}

/** Percent-encodes what a URL cannot contain. Control characters stay, so that the URL is refused. */
function encode(text, keepsQuote) {
  const isKept = c => /[\w/&=%:@!$()*+,;~.#\\\t\r\n\0\x7f?-]/.test(c) || (keepsQuote && c === "'");
  return [...text].map(c => (isKept(c) ? c : percent(c))).join("");
}

function percent(character) {
  const bytes = [...Buffer.from(character)];
  return bytes.map(byte => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** Returns scheme, host and port of an origin as one text, or null if it has no valid port. */
function parts(origin) {
  const [scheme, authority] = origin.toLowerCase().split("://");
  const match = /^(.*):([^:\]]*)$/.exec(authority);
  const [host, port] = match ? [match[1], match[2]] : [authority, scheme === "https" ? "443" : "80"];
  const isValid = /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65535;
  return isValid ? `${scheme} ${host} ${port}` : null;
}

/** Checks the name of a certificate. Node also accepts one that is only in the subject. */
function checkServerIdentity(host, certificate) {
  if (!certificate.subjectaltname) return new Error("the certificate has no name of a server");
  return tls.checkServerIdentity(host, certificate);
}

function errorKind(error, otherwise) {
  if (error.code === "HPE_HEADER_OVERFLOW") return "too_large";
  if (error.code?.startsWith("HPE_")) return "malformed";
  return otherwise;
}

function isRejectedKey(answer, product) {
  const body = Buffer.from(answer.body, "base64");
  const forms = [...BAD_KEY_FORMS.any, ...(BAD_KEY_FORMS[product] ?? [])];
  const bodies = forms.filter(([status]) => status === answer.status).map(([, form]) => form);
  if (bodies.length === 0 || body.length > 64 * 1024) return false;
  if (bodies.some(form => form === body.toString())) return true;
  const document = parseOnce(body);
  const member = path => path.split(".").reduce((value, name) => (isObject(value) ? value[name] : undefined), document);
  const fits = form => Object.entries(form).every(([path, text]) => member(path) === text);
  return isObject(document) && bodies.some(form => isObject(form) && fits(form));
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses JSON in which no object has a name twice. */
function parseOnce(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const document = JSON.parse(text);
    // A name that is there twice is lost when the document is written again.
    const count = value => [...JSON.stringify(value).matchAll(/"(?:[^"\\]|\\.)*"\s*:/g)].length;
    return [...text.matchAll(/"(?:[^"\\]|\\.)*"\s*:/g)].length === count(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

let client;
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  let answer = { ok: true };
  if (message.op === "begin") {
    client = new Client(message);
  } else if (message.op === "call") {
    try {
      answer = await client.call(message);
    } catch (error) {
      answer = { outcome: error instanceof Failure ? error.kind : "other", text: String(error) };
    }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

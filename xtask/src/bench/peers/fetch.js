const url = process.env.BENCH_URL, calls = Number(process.env.BENCH_CALLS);
const pair = "API:" + require("fs").readFileSync(0, "utf8");
const Authorization = "Basic " + Buffer.from(pair).toString("base64");
const headers = { Accept: "application/json", Authorization };
const worker = async () => {
  for (let n = 0; n < Math.floor(calls / 64); n++) {
    const body = await (await fetch(url, { headers })).arrayBuffer();
    if (body.byteLength <= 2) throw new Error("short");
  }
};
Promise.all(Array.from({ length: 64 }, worker)).then(() => process.exit(0));

// Makes calls with the vendor's own clients, 100 at once, until standard input ends. It prints a line after each 200 calls,
// and at last the number of calls and the failures as JSON.
'use strict';

const TrustedForm = require('trustedform-api-client');
const SuppressionList = require('suppressionlist');

const key = process.env.ACTIVEPROSPECT_API_KEY;
const counts = { calls: 0, failures: [] };
let isOver = false;

const lists = new SuppressionList(key, 'production');
lists.base.url = process.env.ACTIVEPROSPECT_SUPPRESSIONLIST_URL;
const claim = {
  cert_url: `${process.env.ACTIVEPROSPECT_TRUSTEDFORM_URL}/65e0e50100000000000000000000000000000001`,
  headers: { 'api-version': '2.0' }
};

const call = (number) => new Promise((resolve) => {
  if (number % 2) {
    lists.getLists(resolve);
  } else {
    new TrustedForm(key).claim({ ...claim }, resolve);
  }
});

const loop = async (number) => {
  while (!isOver) {
    const error = await call(number);
    counts.calls += 1;
    if (error) counts.failures.push(`${error.message} ${error.statusCode}`);
    if (counts.calls % 200 === 0) console.log(counts.calls);
  }
};

process.stdin.resume();
process.stdin.on('end', () => { isOver = true; });
Promise.all(Array.from({ length: 100 }, (_, number) => loop(number)))
  .then(() => console.log(JSON.stringify(counts)));

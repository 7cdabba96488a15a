// Makes calls with the vendor's own clients, unchanged, and prints their results as one JSON object. What it needs comes
// by the environment: the key, and where the emulator is.
'use strict';

const TrustedForm = require('trustedform-api-client');
const SuppressionList = require('suppressionlist');

const { EMULATOR_KEY: key, TRUSTEDFORM_URL, SUPPRESSIONLIST_URL } = process.env;

// Far longer than a passing test waits, also on a busy machine: it only turns a hang into a failure.
setTimeout(() => process.exit(1), 120000).unref();

// Calls `client[method](...args, callback)`, and returns what the callback gets.
const call = (client, method, ...args) => new Promise((resolve) => {
  client[method](...args, (error, response, body) => {
    if (error) {
      const { message, statusCode } = error;
      resolve({ error: message, status: statusCode, body: error.body });
    } else {
      // One of the clients returns the response and its body, the other the body alone.
      resolve(body === undefined ? { body: response } : { status: response.statusCode, body });
    }
  });
});

const claim = (certificate, version, options, apiKey = key) => call(new TrustedForm(apiKey), 'claim', {
  cert_url: `${TRUSTEDFORM_URL}/${certificate}`,
  headers: { 'api-version': version },
  ...options
});

const suppressionList = (apiKey) => {
  const client = new SuppressionList(apiKey, 'production');
  client.base.url = SUPPRESSIONLIST_URL;
  return client;
};

(async () => {
  const results = {};
  const web = '65e0e50100000000000000000000000000000001';
  const sandbox = '65e0e50400000000000000000000000000000001';
  const options = {
    email: 'robin@example.com',
    phone_1: '2025550142',
    reference: 'lead 7',
    vendor: 'Leads by Example',
    required_text: ['free |*| quote', 'ipad'],
    forbidden_text: 'solar',
    scan_delimiter: '|'
  };
  results.claim_v2 = await claim(web, '2.0', options);
  results.sandbox_v2 = await claim(sandbox, '2.0', {});
  results.claim_v4 = await claim(web, '4.0', options);
  results.rejected_claim = await claim(web, '2.0', options, 'wrong');
  // The last, because from then on the client sends the names of this version in all calls.
  results.claim_v3 = await claim(web, '3.0', options);
  results.sandbox_v3 = await claim(sandbox, '3.0', {});

  const lists = suppressionList(key);
  results.lists = await call(lists, 'getLists');
  results.created = await call(lists, 'createList', 'Made by Node', 60);
  results.created_for_ever = await call(lists, 'createList', 'For Ever');
  results.ensured = await call(lists, 'ensureList', 'MADE by node');
  results.ensured_new = await call(lists, 'ensureList', 'Ensured', 3600);
  results.lists_after = await call(lists, 'getLists');
  results.rejected_lists = await call(suppressionList('wrong'), 'getLists');
  process.stdout.write(JSON.stringify(results));
})();

// The official Node SDK as a client of the simulator: lists, pages, transfers, is refused.
'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { beforeEach, test } = require('node:test');
const twilio = require('twilio');

const TOKEN = 'conformance-token';
const CROWD = 131;
const sid = (prefix, n) => prefix + n.toString(16).padStart(32, '0');
const [MAIN, ACME, GLOBEX, , HOOLI, , UMBRELLA] = Array.from({ length: 7 }, (_, n) => sid('AC', n));

function clientAs(account, token) {
  const client = twilio(account, token);
  client.api.baseUrl = process.env.API_URL;
  return client;
}

async function load(world) {
  const answer = await fetch(`${process.env.SIM_URL}/_sim/world`, { method: 'PUT', body: world });
  assert.equal(answer.status, 204);
}

const client = clientAs(MAIN, TOKEN);
const numbersOf = (account) => client.api.v2010.accounts(account).incomingPhoneNumbers;
const refusal = (code, status) => (error) => error.code === code && error.status === status;

beforeEach(() => load(readFileSync(join(__dirname, 'world.yaml'), 'utf8')));

test('a list over pages shows every account once', async () => {
  const accounts = Array.from({ length: CROWD }, (_, n) => ({ sid: sid('AC', n + 1), friendlyName: `customer ${n}` }));
  await load(JSON.stringify({ main: { sid: MAIN, authToken: TOKEN, friendlyName: 'main' }, accounts }));
  const expected = [MAIN, ...accounts.map((account) => account.sid)];
  for (const pageSize of [10, 50, 132, 1000]) {
    const seen = (await client.api.accounts.list({ pageSize })).map((account) => account.sid);
    assert.deepEqual(seen.sort(), expected, `pages of ${pageSize}`);
  }
  const first = await client.api.accounts.page({ pageSize: 100 });
  const second = await first.nextPage();
  assert.deepEqual([first.instances.length, second.instances.length], [100, 32]);
});

test('a number is transferred, keeps its SID and is listed with its new owner', async () => {
  const number = sid('PN', 1);
  const moved = await numbersOf(ACME)(number).update({ accountSid: UMBRELLA });
  assert.deepEqual([moved.sid, moved.accountSid, moved.phoneNumber], [number, UMBRELLA, '+15105550101']);
  const listed = await numbersOf(UMBRELLA).list({ phoneNumber: '+15105550101' });
  assert.deepEqual(listed.map((row) => row.sid), [number]);
  await assert.rejects(numbersOf(ACME)(number).fetch(), refusal(20404, 404));
});

test('an account is suspended and reactivated', async () => {
  assert.equal((await client.api.v2010.accounts(ACME).update({ status: 'suspended' })).status, 'suspended');
  assert.equal((await client.api.v2010.accounts(ACME).update({ status: 'active' })).status, 'active');
});

test('calls are listed newest first, filtered and ended', async () => {
  const calls = client.api.v2010.accounts(ACME).calls;
  const sids = async (filters) => (await calls.list(filters)).map((row) => row.sid);
  assert.deepEqual(await sids({ pageSize: 2 }), [sid('CA', 3), sid('CA', 2), sid('CA', 1)]);
  assert.deepEqual(await sids({ status: 'ringing' }), [sid('CA', 2)]);
  assert.deepEqual(await sids({ startTimeAfter: new Date('2026-05-01T10:30:00Z') }), [sid('CA', 3), sid('CA', 2)]);
  assert.equal((await calls(sid('CA', 2)).update({ status: 'canceled' })).status, 'canceled');
  await assert.rejects(calls(sid('CA', 1)).update({ status: 'canceled' }), refusal(21220, 400));
  assert.equal((await calls(sid('CA', 1)).update({ status: 'completed' })).status, 'completed');
});

test('an account is created, named and not unique', async () => {
  const made = await client.api.accounts.create({ friendlyName: 'acme' });
  assert.deepEqual([made.friendlyName, made.status], ['acme', 'active']);
  assert.notEqual(made.sid, ACME);
  assert.match((await client.api.accounts.create()).friendlyName, /^SubAccount Created at /);
});

test('settings are changed one by one, and a number is released without its emergency address', async () => {
  const number = numbersOf(ACME)(sid('PN', 1));
  const set = await number.update({ smsUrl: 'https://example.org/sms', voiceUrl: '' });
  assert.deepEqual([set.smsUrl, set.voiceUrl ?? null], ['https://example.org/sms', null]);
  await number.update({ emergencyAddressSid: sid('AD', 1) });
  await assert.rejects(number.remove(), refusal(21634, 400));
  assert.equal(await numbersOf(ACME)(sid('PN', 2)).remove(), true);
});

test('addresses are listed', async () => {
  const rows = await client.api.v2010.accounts(ACME).addresses.list({ isoCountry: 'DE' });
  assert.deepEqual(rows.map((row) => [row.sid, row.city]), [[sid('AD', 1), 'Berlin']]);
});

test('refusals carry the codes of Twilio', async () => {
  const plain = numbersOf(ACME)(sid('PN', 1));
  await assert.rejects(plain.update({ accountSid: GLOBEX }), refusal(21472, 400));
  await assert.rejects(numbersOf(HOOLI)(sid('PN', 4)).update({ accountSid: ACME }), refusal(21631, 400));
  await assert.rejects(client.api.v2010.accounts(MAIN).update({ status: 'suspended' }), refusal(21477, 400));
  await assert.rejects(clientAs(MAIN, 'wrong').api.accounts.list(), refusal(20003, 401));
});

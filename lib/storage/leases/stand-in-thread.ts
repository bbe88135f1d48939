/**
 * What the thread of the stand-in runs. A text, not a file: a bundler would not find the file, and a run of TypeScript sources has none that
 * Node.js could load. It shares two numbers with the main thread, both on that one's clock: when its event loop last turned, and when the
 * lease was last renewed. While the loop turns, the thread has no connection.
 */
export const STAND_IN_THREAD = `
const { parentPort, workerData: given } = require('node:worker_threads');
const load = require('node:module').createRequire(given.from);
load.resolve('pg');
const times = new Float64Array(given.times);
const now = () => Number(process.hrtime.bigint()) / 1e6 - given.offset;
let lease;
let client;
parentPort.on('message', (news) => {
  if ('lease' in news) lease = news.lease;
  else given.connection.password = news.password;
});

function drop() {
  client?.end().catch(() => undefined);
  client = undefined;
}

async function connected() {
  if (client) return client;
  const { Client, defaults } = load('pg').Client ? load('pg') : load('pg').default;
  Object.assign(defaults, given.defaults);
  client = new Client(given.connection);
  client.on('error', drop);
  await client.connect();
  return client;
}

async function keep(id) {
  const askedAt = now();
  const values = [given.shard, "'" + id + "'", given.leaseMs];
  const text = given.text.replace(/\\$(\\d)/g, (_, n) => values[n - 1]);
  const { rowCount } = (await (await connected()).query(given.settings + '; ' + text)).at(-1);
  if (lease !== id) return;
  if (rowCount === 1) times[1] = askedAt;
  else lease = undefined;
}

async function look() {
  const stillMs = now() - times[0];
  const isDue = lease !== undefined && now() - times[1] >= given.intervalMs;
  if (stillMs < given.lateMs || stillMs > given.stuckMs) drop();
  else if (isDue) await keep(lease).catch(drop);
  setTimeout(look, given.lookMs);
}
look();
`;

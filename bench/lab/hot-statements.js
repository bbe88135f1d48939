import { Uuid7 } from '../dist/lib/runtime/uuid7.js';
import { EnqueueRepository } from '../dist/lib/storage/enqueue/enqueue.repository.js';
import { ClaimRepository } from '../dist/lib/storage/claim/claim.repository.js';
import { LeaseRepository } from '../dist/lib/storage/leases/lease.repository.js';

const BATCH = 500;
const EVERYWHERE = {
  priority: -32_768,
  runAt: '-infinity',
  id: '00000000-0000-0000-0000-000000000000',
  upto: 32_767,
};
const ids = new Uuid7();

/** The library's own statements with the values it would give: its repositories are asked, and what they send is caught. */
export async function hotStatements(client) {
  const { rows: jobs } = await client.query(FIRST_JOBS, [2 * BATCH]);
  const { rows: lanes } = await client.query(
    'select id, queue as "queueId" from simple_queue.lane order by id limit 1',
  );
  const caught = [];
  for (const [title, ask] of Object.entries({ ...claims(jobs, lanes[0]), ...others(lanes[0]) }))
    caught.push(await catchOne(title, ask));
  return caught;
}

const FIRST_JOBS =
  'select id, lane, priority, run_at::text as "runAt" from simple_queue.ready order by run_at, id limit $1';

/** By title: what the worker asks. */
function claims(jobs, { id: lane }) {
  const hint = { ...jobs[BATCH - 1], upto: 32_767 };
  const wish = (ranges) => ({
    claimId: ids.next(),
    lease: ids.next(),
    lanes: [{ lane, wanted: BATCH, ranges }],
    limit: BATCH,
  });
  const done = (keepMs) =>
    jobs.slice(0, BATCH).map(({ id }) => ({ id, epoch: 0, runMs: 1, keepMs, output: undefined }));
  const nothing = { ...wish([]), lanes: [], limit: 0 };
  const ask = (successes, what) => (database) =>
    new ClaimRepository(database).settleAndClaim('bench', successes, [ids.next()], what);
  return {
    'settle 500 and claim 500 behind the hint': ask(done(), wish([hint])),
    'settle 500 into the archive and claim 500': ask(done(86_400_000), wish([hint])),
    'settle 500': ask(done(), nothing),
    'claim 500 behind the hint': ask([], wish([hint])),
    'claim 500 anywhere': ask([], wish([EVERYWHERE])),
  };
}

function others(lane) {
  const job = (more) => ({
    id: ids.next(),
    lane,
    priority: 0,
    payload: '{"n": 1}',
    givenId: false,
    ...more,
  });
  const enqueue = (count, more) => (database) =>
    new EnqueueRepository(database).insert(Array.from({ length: count }, () => job(more)));
  return {
    'enqueue 1': enqueue(1),
    'enqueue 1,000': enqueue(1_000),
    'enqueue 1 with a delay': enqueue(1, { delayMs: 1_000 }),
    'promote, nothing due': (database) =>
      new ClaimRepository(database).promote('-infinity', [lane.id]),
    'renew a lease': (database) =>
      new LeaseRepository(database).renew(ids.next(), 15_000, [ids.next()], 15_000),
  };
}

/** What answers `ask` stands where the database would, and keeps the first thing that it is told to run. */
async function catchOne(title, ask) {
  let caught;
  const run = async ({ text }, values) => {
    caught ??= { text, values };
    return [];
  };
  await ask({ loops: { run, rows: run }, callers: { run, rows: run } }).catch(() => undefined);
  if (!caught)
    throw new Error(
      `"${title}" runs no statement any more: the bench must follow the library here.`,
    );
  return { title, ...caught };
}

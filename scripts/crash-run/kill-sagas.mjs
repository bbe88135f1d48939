import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { killAtRandom } from './kill-workers.mjs';
import { seeded, startRig, watch } from './rig.mjs';

const WORKERS = 4;
const PARTS = 8;
/** What has an effect before the last step: two in a chain, and a fan behind them. */
const EFFECTS = 2 + PARTS;

/** SIGKILL at random moments while sagas with a fan-in run, every second of which fails at its last step. */
export async function killSagas({ flows, kills, paceMs, seed, leaseMs }) {
  const rig = await startRig({ leaseMs });
  try {
    await rig.query(
      'create table saga (id int generated always as identity, flow uuid not null, stage int not null, n int not null, undo boolean not null)',
    );
    const workflows = rig.app.get(QueueWorkflows);
    for (let n = 0; n < flows; n++) await workflows.start(order(n % 2 === 1));
    rig.fleet.grow(WORKERS);
    const killing = killAtRandom(rig.fleet, kills, seeded(seed), paceMs);
    const tell = async () => ({ ...(await open(rig)), deaths: rig.fleet.deaths });
    const seconds = await watch('workflows', {
      tell,
      done: (seen) => seen.open === 0 && seen.stuck === 0,
      maxMs: 1_200_000,
    });
    rig.fleet.enough = true;
    await killing;
    return report(await count(rig), { flows, kills: rig.fleet.deaths, seconds });
  } finally {
    await rig.stop();
  }
}

/** Steps that complete in their transaction, beside one that the worker settles. */
function order(fails) {
  const step = (stage, n = 0) => ({ stage, n, undo: false });
  const undone = (stage) => ({ compensate: ['saga', { stage, n: 0, undo: true }] });
  return workflow('order')
    .step('reserve', 'saga', step(1), undone(1))
    .step('note', 'plain', {}, { after: 'reserve' })
    .step('pay', 'saga', step(2), { after: 'note', ...undone(2) })
    .each(
      'pack',
      'saga',
      Array.from({ length: PARTS }, (_, n) => step(3, n)),
      { after: 'pay', compensate: ['saga', ({ n }) => ({ stage: 3, n, undo: true })] },
    )
    .step('ship', 'saga', { ...step(4), fails }, { after: 'pack', ...undone(4) });
}

const open = async ({ query }) =>
  (
    await query(
      `select count(*) filter (where ended_at is null)::int as open, count(*) filter (where state = 'stuck')::int as stuck from simple_queue.workflow`,
    )
  )[0];

/** A compensation behind one of an earlier stage is out of order; what was done and what was undone have to be the same. */
async function count({ query }) {
  const [states] = await query(
    `select count(*) filter (where state = 'succeeded')::int as succeeded, count(*) filter (where state = 'compensated')::int as compensated from simple_queue.workflow`,
  );
  const [effects] = await query(
    `with each as (
      select flow, stage, n, count(*) filter (where not undo)::int as done, count(*) filter (where undo)::int as undone from saga group by flow, stage, n)
    select sum(done)::int as done, sum(undone)::int as undone, count(*) filter (where done <> 1 or undone > 1)::int as doubled,
      count(*) filter (where undone <> case when w.state = 'compensated' then done else 0 end)::int as wrong
    from each join simple_queue.workflow w on w.id = flow`,
  );
  const [{ violations }] = await query(
    `select count(*)::int as violations from (
      select stage, min(stage) over (partition by flow order by id rows between unbounded preceding and 1 preceding) as before from saga where undo) s
    where stage > before`,
  );
  return { ...states, ...effects, violations };
}

function report(seen, { flows, kills, seconds }) {
  const failing = Math.floor(flows / 2);
  const done = flows * EFFECTS + (flows - failing);
  const figures = {
    workflows: flows,
    'jobs, without compensations': flows * (EFFECTS + 2),
    'worker processes killed': kills,
    seconds: Math.round(seconds),
    succeeded: seen.succeeded,
    compensated: seen.compensated,
    'effects doubled': seen.doubled,
    'effects missing': done - seen.done,
    'compensations missing': failing * EFFECTS - seen.undone,
    'compensations that should not be, or are missing': seen.wrong,
    'compensations out of order': seen.violations,
    'workflows that ended otherwise': flows - seen.succeeded - seen.compensated,
  };
  const promises = Object.keys(figures).slice(6);
  return {
    title: 'Sagas with a fan-in, workers killed at random',
    figures,
    broken: promises.filter((name) => figures[name] !== 0),
  };
}

import { describe, expect, it } from '@jest/globals';
import { Intake } from '../../lib/claim/intake.js';
import { DUTIES } from '../../lib/maintenance/duties.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { RunReports } from '../../lib/observability/run-reports.js';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import type { ClaimedRow } from '../../lib/storage/claim/row-mapper.js';
import { DirectClaims } from '../../lib/storage/enqueue/direct-claims.js';
import { HandWorker } from '../../lib/testing/hand-worker.js';
import { Arrivals } from '../../lib/claim/arrivals.js';
import { Claims } from '../../lib/settle/claims.js';
import { FairPoller } from '../../lib/claim/fair-poller.js';
import type { Claim, JobRun } from '../../lib/run/job-run.js';
import { Poller } from '../../lib/claim/poller.js';
import { DirectClaimer } from '../../lib/claim/direct-claimer.js';
import { Suspects } from '../../lib/claim/suspects.js';
import { aLane, aRow, aRun } from '../support/runs.js';

/** A worker of one lane, which starts at once whatever stands in line. `answer` stands for the database. */
function aWorker() {
  const lane = aLane();
  const world = {
    lease: 'lease' as string | undefined,
    known: true,
    answer: async (): Promise<ClaimedRow[]> => [],
    started: [] as string[],
    settled: [] as string[],
    strays: [] as string[],
    onStop: () => undefined as void,
  };
  const claims = new Claims();
  const end = (run: JobRun): void => claims.settled(run.claim);
  const settler = {
    hasNone: true,
    take: () => ({ settling: [], successes: [], claims: [] }),
    settled: () => undefined,
    failed: () => false,
    add: (run: JobRun, { kind }: { kind: string }) => (world.settled.push(kind), end(run)),
  };
  const strays = {
    isEmpty: true,
    add: ({ id }: ClaimedRow, claim: Claim) => (world.strays.push(id), claims.settled(claim)),
  };
  const start = (run: JobRun): void => (world.started.push(run.id), end(run));
  const dispatcher = {
    ...{ startAll: () => lane.giveBack().forEach(start), runAlone: start },
    ...{
      halt: () => undefined,
      resume: () => undefined,
      whenKnown: async () => undefined,
      whenIdle: async () => true,
      runs: () => [],
    },
  };
  const isKnown = (id: number): boolean => world.known && id === lane.id;
  const lanes = {
    ...{ room: 10, free: 10, concurrency: 10, all: () => [lane], held: () => [lane] },
    ...{ get: (id: number) => (isKnown(id) ? lane : undefined) },
  };
  const once = async (): Promise<ClaimedRow[]> => {
    const { answer } = world;
    world.answer = async () => [];
    return answer();
  };
  const arrivals = new Arrivals({ settler, dispatcher } as never);
  const parts = {
    lanes,
    claims,
    settler,
    strays,
    arrivals,
    dispatcher,
    ids: new Uuid7(),
    lease: () => world.lease,
  } as never;
  const intake = new Intake(parts);
  intake.resume();
  const stop = (): void => void ((intake.isPaused = true), world.onStop());
  const reports = new RunReports(new QueueEventBus());
  return Object.assign(world, {
    lane,
    claims,
    intake,
    once,
    stop,
    parts: { ...(parts as object), intake, reports, pollIntervalMs: 1e6 },
  });
}

type World = ReturnType<typeof aWorker>;

async function asSuspects(world: World, wish: { suspects: boolean; lone: boolean }): Promise<void> {
  const suspects = new Suspects({
    ...world.parts,
    claimRepository: { claimSuspects: world.once },
    onResume: () => undefined,
  } as never);
  world.onStop = () => suspects.close();
  suspects.expect(wish);
  await suspects.round();
}

/** One claim, each in its own way. */
const WAYS: Record<string, (world: World) => Promise<unknown>> = {
  'the poller': ({ once, parts }) => {
    const claimRepository = { settleAndClaim: async () => ({ jobs: await once(), lost: [] }) };
    return new Poller({
      ...parts,
      claimRepository,
      release: async () => undefined,
    } as never).poll();
  },
  'the poller of fair queues': ({ once, parts }) => {
    const groups = { claimFair: async () => ({ jobs: await once(), after: null }) };
    const poller = new FairPoller({ ...parts, groups } as never);
    poller.expect([1]);
    return poller.poll();
  },
  suspects: (world) => asSuspects(world, { suspects: true, lone: false }),
  'lone suspects': (world) => asSuspects(world, { suspects: false, lone: true }),
  'direct claims': async ({ once, parts }) => {
    const directClaims = new DirectClaims();
    new DirectClaimer({ ...parts, directClaims } as never).open();
    const claim = directClaims.of(1)!;
    const rows = await once().catch(() => claim.failed());
    if (rows) claim.stored(rows[0]!);
  },
  'the worker of the test kit': async ({ once, parts, intake }) => {
    const duties = Object.fromEntries(DUTIES.map(({ name }) => [name, async () => Infinity]));
    const crew = { ...parts, intake, duties, lanes: { all: () => [] } };
    const storage = { database: { loops: { rows: async () => (await once()).map(cellsOf) } } };
    const worker = Object.create(HandWorker.prototype) as HandWorker;
    Object.assign(worker, { crew, parts: { storage } });
    const run = await worker['claim'](undefined);
    if (run) await worker['process'](run, 0);
  },
};

/** As the statement answers it. */
const cellsOf = ({ id, lane, runAt, cancelled, ownLane }: ClaimedRow): (string | null)[] =>
  Object.assign(Array<string | null>(18).fill(null), {
    0: id,
    1: String(lane),
    4: runAt,
    10: cancelled ? runAt : null,
    17: ownLane === undefined ? null : String(ownLane),
  });

const refusal = (code?: string): Error =>
  new DatabaseError('claim', Object.assign(new Error('Query read timeout'), { code }));

describe.each(Object.entries(WAYS))('a claim of %s', (way, claim) => {
  const brings = (
    world: World,
    row: Partial<ClaimedRow> = {},
    meanwhile = (): unknown => undefined,
  ): string => {
    const brought = aRow(row);
    world.answer = async () => (await meanwhile(), [brought]);
    return brought.id;
  };
  const toFree = async ({ claims }: World): Promise<string[]> => {
    const freed: string[] = [];
    await claims.free(async (ids) => void freed.push(...ids));
    return freed;
  };

  it('is known before its statement leaves, and starts what it brings', async () => {
    const world = aWorker();
    const known: string[][] = [];
    const id = brings(world, {}, () => known.push(world.claims.ids()));
    await claim(world);
    expect([known.flat().length, world.started, world.settled]).toEqual([1, [id], []]);
    expect(world.lane.expected).toBe(0);
  });

  it('is forgotten when its answer is lost, so that the heartbeat may free it', async () => {
    const world = aWorker();
    world.answer = () => Promise.reject(refusal());
    await claim(world).catch(() => undefined);
    expect([world.claims.ids(), world.lane.expected, world.started]).toEqual([[], 0, []]);
    expect(await toFree(world)).toHaveLength(way === 'direct claims' ? 0 : 1);
  });

  it('is forgotten when it is refused: nothing is to be freed', async () => {
    const world = aWorker();
    world.answer = () => Promise.reject(refusal('55P03'));
    await claim(world).catch(() => undefined);
    expect([world.claims.ids(), await toFree(world), world.lane.expected]).toEqual([[], [], 0]);
  });

  it('ends what was cancelled before it ran', async () => {
    const world = aWorker();
    brings(world, { cancelled: true });
    await claim(world);
    expect([world.started, world.settled]).toEqual([[], ['cancelled']]);
  });

  it('gives back what it brings under a lease that was lost meanwhile', async () => {
    for (const lease of ['another', undefined]) {
      const world = aWorker();
      brings(world, {}, () => (world.lease = lease));
      await claim(world);
      expect([world.started, world.settled]).toEqual([[], ['released']]);
    }
  });

  it('gives back what belongs to a lane that is not known any more', async () => {
    const world = aWorker();
    const id = brings(world, {}, () => (world.known = false));
    await claim(world);
    expect([world.started, world.settled, world.strays]).toEqual([[], [], [id]]);
    expect(world.claims.hasEnded).toBe(true);
  });

  it('gives back what stood in a lane that is not its own, or at another epoch or time', async () => {
    for (const ownLane of [1, 7]) {
      const world = aWorker();
      const id = brings(world, { ownLane });
      await claim(world);
      expect([world.started, world.settled, world.strays]).toEqual([[], [], [id]]);
    }
  });

  // Whoever turns a worker by hand waits for its claim before anything else.
  if (way !== 'the worker of the test kit')
    it('gives back what it brings to a worker that claims nothing more, and what waits there', async () => {
      const world = aWorker();
      brings(world, {}, () => world.stop());
      await claim(world);
      expect([world.started, world.settled]).toEqual([[], ['released']]);
    });
});

describe('the intake', () => {
  it('gives back what waits in memory when it is told to', () => {
    const { intake, lane, settled } = aWorker();
    for (let n = 0; n < 3; n++) lane.add(aRun({}, { lane }));
    intake.giveBackWaiting('shutdown');
    expect(settled).toEqual(['released', 'released', 'released']);
  });

  it('has no key for a claim while it is paused, or without a lease', () => {
    const world = aWorker();
    expect(world.intake.nextKey()).toMatchObject({ lease: 'lease' });
    world.stop();
    expect([world.intake.nextKey(), world.intake.nextKey(false)?.lease]).toEqual([
      undefined,
      'lease',
    ]);
    world.lease = undefined;
    expect(world.intake.nextKey(false)).toBeUndefined();
  });

  it('asks each lane at once when it goes on', () => {
    const { intake, lane } = aWorker();
    lane.lookAt = Infinity;
    intake.resume();
    expect(lane.lookAt).toBe(0);
  });
});

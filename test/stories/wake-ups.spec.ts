import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from 'nestjs-simple-queue/admin';
import { QueueSchedules } from 'nestjs-simple-queue/schedules';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import { constant } from '../../lib/job/backoff.js';
import type { EnqueueOptions } from '../../lib/job/enqueue-options.js';
import type { JobContext } from '../../lib/job/job-context.js';
import type { Job } from '../../lib/job/job.js';
import { UnprocessableError } from '../../lib/job/queue.errors.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import type { Loop } from '../../lib/runtime/loop.js';
import { aHandler, anApplication, PATIENT, type TestApplication } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { aGate, openAllGates } from '../support/gate.js';
import { aDatabase } from '../support/template.js';

const AN_HOUR = 3_600_000;
const GROUP = { group: 'g', ordered: true };
const KEYED = { perKey: { by: 'k', concurrency: 1 } };

/** Ways in which a job waits, each a queue. */
const KINDS: Readonly<Record<string, { options: EnqueueOptions; holds: boolean; rule?: object }>> =
  {
    plain: { options: {}, holds: false },
    ordered: { options: GROUP, holds: true },
    fair: { options: { group: 'g' }, holds: false, rule: { fair: true } },
    keyed: { options: {}, holds: false, rule: KEYED },
    'keyed-ordered': { options: GROUP, holds: true, rule: KEYED },
  };
type Kind = string;
const ALL = Object.keys(KINDS);
const IN_GROUPS = ALL.filter((kind) => KINDS[kind]!.holds);
const OF_KEYS = ['keyed', 'keyed-ordered'];

/** So long that what is found by a look alone is not found in this file: a wake-up that is lost is a test that fails. */
const OPTIONS: SimpleQueueOptions = {
  ...PATIENT,
  pollIntervalMs: 600_000,
  janitorIntervalMs: 600_000,
  reaperIntervalMs: 100,
  shutdownGraceMs: 0,
  backoff: constant({ delayMs: 30 }),
  queues: {
    ...Object.fromEntries(ALL.map((kind) => [kind, KINDS[kind]!.rule ?? {}])),
    told: {},
    telling: { outcomes: 'told' },
  },
};

type Does = 'hold' | 'fail' | 'die' | 'holdFirst' | 'failFirst';
interface Payload {
  k: string;
  does?: Does;
}

class Rig {
  readonly ran: string[] = [];
  told = 0;
  readonly started = new Map<string, number>();

  constructor(readonly database: TestDatabase) {}

  start(options: SimpleQueueOptions = {}, gate = aGate()): Promise<TestApplication> {
    const work = async ({ id, queue, payload, attempt }: Job, { signal }: JobContext) => {
      const { does } = (payload ?? {}) as Payload;
      const times = (this.started.get(id) ?? 0) + 1;
      this.started.set(id, times);
      if (does === 'die' && times === 1) throw new UnprocessableError('dead');
      if (does === 'fail' && attempt === 1) throw new Error('again');
      if (does === 'failFirst' && times === 1) {
        await gate.passed;
        throw new Error('later');
      }
      if (does === 'hold' || (does === 'holdFirst' && times === 1)) {
        const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())); // prettier-ignore
        await (does === 'hold' ? Promise.race([gate.passed, aborted]) : gate.passed);
      }
      this.ran.push(id);
      if (queue === 'told') this.told++;
    };
    const providers = [...ALL, 'told', 'telling', 'other'].map((queue) => aHandler(queue, work as never)); // prettier-ignore
    return anApplication(this.database, { options: { ...OPTIONS, ...options }, providers });
  }
}

/** It is private. */
const insideOf = ({ worker }: TestApplication) =>
  (worker as unknown as { worker: { loops: Record<string, Loop>; stopClaiming(): void } }).worker;

/** All loops that a wake-up turns rest until somebody wakes them. */
async function untilAtRest(application: TestApplication): Promise<void> {
  const { loops } = insideOf(application);
  const { storage } = application;
  const woken: string[] = ['poll', 'pollBeside', 'pollFair', 'promote', 'turn', 'permit', 'suspect', 'settle', 'expire']; // prettier-ignore
  await eventually(() => {
    expect(storage.signals.listening).toMatchObject({ isListening: true });
    const left = woken.filter((name) => {
      const loop = loops[name] as unknown as { restUntil: number; turning: unknown };
      return loop.turning !== undefined || loop.restUntil < performance.now() + 60_000;
    });
    expect(left).toEqual([]);
  });
}

interface Act {
  kind: Kind;
  k: string;
  rig: Rig;
  /** Who acts, and who works. */
  actor: TestApplication;
  worker: TestApplication;
  enqueue: (options?: EnqueueOptions, payload?: Partial<Payload>) => Promise<string>;
  isIn: (state: string, id: string) => Promise<void>;
  /** All is still. */
  still: () => Promise<void>;
}

const adminOf = ({ app }: TestApplication) => app.get(QueueAdmin, { strict: false });
const flowsOf = ({ app }: TestApplication) => app.get(QueueWorkflows, { strict: false });

/** Each answers the job that has to run behind it. */
const ACTS: [name: string, kinds: readonly Kind[], act: (given: Act) => Promise<string>][] = [
  ['an enqueue', ALL, ({ enqueue }) => enqueue()],
  ['a commit', ALL, ({ actor, enqueue }) => actor.dataSource.transaction((manager) => enqueue({ manager }))], // prettier-ignore
  ['an enqueue in SQL', ['plain', 'fair'], async ({ rig, kind }) => (await rig.database.query<{ id: string }>(`select id from simple_queue.enqueue($1, wake => true)`, [kind]))[0]!.id], // prettier-ignore
  ['an enqueue for later in SQL', ['plain'], async ({ rig, kind }) => (await rig.database.query<{ id: string }>(`select id from simple_queue.enqueue($1, delay => '150 ms', wake => true)`, [kind]))[0]!.id], // prettier-ignore
  ['a time that comes', ALL, ({ enqueue }) => enqueue({ delayMs: 150 })],
  ['a second attempt', ALL, ({ enqueue }) => enqueue({}, { does: 'fail' })],
  [
    'another time',
    ALL,
    async ({ actor, enqueue, isIn, still }) => {
      const id = await enqueue({ delayMs: AN_HOUR });
      await isIn('scheduled', id);
      await still();
      await actor.queues.change(id, { delayMs: 0 });
      return id;
    },
  ],
  [
    'a time that is skipped',
    ALL,
    async ({ actor, enqueue, still }) => {
      const id = await enqueue({ delayMs: AN_HOUR });
      await still();
      await adminOf(actor).retry(id);
      return id;
    },
  ],
  [
    'a suspect whose time is skipped',
    ALL,
    async ({ actor, rig, enqueue, still }) => {
      const id = await enqueue({ delayMs: AN_HOUR });
      await rig.database.query(`update simple_queue.job set suspicion = 1 where id = $1`, [id]);
      await still();
      await adminOf(actor).retry(id);
      return id;
    },
  ],
  [
    'a suspect whose time comes',
    ALL,
    async ({ rig, enqueue }) => {
      const id = await enqueue({ delayMs: 400 });
      await rig.database.query(`update simple_queue.job set suspicion = 1 where id = $1`, [id]);
      return id;
    },
  ],
  [
    'a suspect whose time is changed',
    ALL,
    async ({ actor, rig, enqueue, still }) => {
      const id = await enqueue({ delayMs: AN_HOUR });
      await rig.database.query(`update simple_queue.job set suspicion = 1 where id = $1`, [id]);
      await still();
      await actor.queues.change(id, { delayMs: 0 });
      return id;
    },
  ],
  [
    'the retry of a dead letter',
    ALL,
    async ({ actor, enqueue, isIn, still }) => {
      const id = await enqueue({}, { does: 'die' });
      await isIn('unprocessable', id);
      await still();
      await adminOf(actor).retry(id);
      return id;
    },
  ],
  [
    'a redrive',
    ALL,
    async ({ actor, kind, enqueue, isIn, still }) => {
      const id = await enqueue({}, { does: 'die' });
      await isIn('unprocessable', id);
      await still();
      await adminOf(actor).redrive({ queue: kind, state: 'unprocessable' });
      return id;
    },
  ],
  [
    'a resume',
    ALL,
    async ({ actor, kind, enqueue, still }) => {
      await adminOf(actor).pause(kind);
      await still();
      const id = await enqueue();
      await still();
      await adminOf(actor).resume(kind);
      return id;
    },
  ],
  [
    'a resume with a suspect',
    ALL,
    async ({ actor, rig, kind, enqueue, still }) => {
      await adminOf(actor).pause(kind);
      const id = await enqueue({ delayMs: AN_HOUR });
      await rig.database.query(`update simple_queue.job set suspicion = 1 where id = $1`, [id]);
      await adminOf(actor).retry(id);
      await still();
      await adminOf(actor).resume(kind);
      return id;
    },
  ],
  [
    'the commit of a staged job',
    ALL,
    async ({ actor, enqueue, still }) => {
      const id = await enqueue({ staged: true });
      await still();
      await actor.queues.commit(id);
      return id;
    },
  ],
  [
    'the abort of what held the turn',
    IN_GROUPS,
    async ({ actor, enqueue, still }) => {
      const first = await enqueue({ staged: true });
      const id = await enqueue();
      await still();
      await actor.queues.abort(first);
      return id;
    },
  ],
  [
    'the expiry of what held the turn',
    IN_GROUPS,
    async ({ enqueue }) => {
      await enqueue({ staged: true, commitWithinMs: 1_000 });
      return enqueue();
    },
  ],
  [
    'the cancel of what held the turn',
    IN_GROUPS,
    async ({ actor, enqueue, still }) => {
      const first = await enqueue({ delayMs: AN_HOUR });
      const id = await enqueue();
      await still();
      await actor.queues.cancel({ id: first });
      return id;
    },
  ],
  [
    'the purge of what held the turn',
    IN_GROUPS,
    async ({ actor, kind, enqueue, still }) => {
      await enqueue({ delayMs: AN_HOUR });
      const id = await enqueue();
      await still();
      await adminOf(actor).purge({ queue: kind, state: 'scheduled' });
      return id;
    },
  ],
  [
    'the release of a group',
    IN_GROUPS,
    async ({ actor, kind, k, enqueue, isIn, still }) => {
      const first = await enqueue({}, { does: 'die' });
      await isIn('unprocessable', first);
      const id = await enqueue();
      await still();
      expect(await adminOf(actor).releaseGroup(kind, k)).toBe(first);
      return id;
    },
  ],
  [
    'the purge of what blocked a group',
    IN_GROUPS,
    async ({ actor, kind, enqueue, isIn, still }) => {
      const first = await enqueue({}, { does: 'die' });
      await isIn('unprocessable', first);
      const id = await enqueue();
      await still();
      await adminOf(actor).purge({ queue: kind, state: 'unprocessable' });
      return id;
    },
  ],
  [
    'the cancel of what runs',
    [...IN_GROUPS, 'keyed'],
    async ({ actor, enqueue, isIn, still }) => {
      const first = await enqueue({}, { does: 'hold' });
      const id = await enqueue();
      await isIn('running', first);
      await still();
      await actor.queues.cancel({ id: first });
      return id;
    },
  ],
  [
    'a limit that is raised',
    OF_KEYS,
    async ({ actor, rig, kind, k, enqueue, isIn, still }) => {
      const admin = adminOf(actor);
      await enqueue({ ...(KINDS[kind]!.holds && { group: `${k}h` }) }, { does: 'hold' }).then((id) => isIn('running', id)); // prettier-ignore
      const id = await enqueue();
      await still();
      await admin.setLimit(kind, { perKey: { concurrency: 2 } });
      await eventually(() => expect(rig.ran).toContain(id));
      await admin.setLimit(kind, { perKey: { concurrency: 1 } });
      return id;
    },
  ],
  [
    'a job that others depended on',
    ALL,
    async ({ actor, enqueue, still }) => {
      const first = (await actor.queues.enqueue('other', {}, { delayMs: AN_HOUR })).id;
      const id = await enqueue({ dependsOn: [first] });
      await still();
      await adminOf(actor).retry(first);
      return id;
    },
  ],
  [
    'a turn behind what depended in vain',
    IN_GROUPS,
    async ({ actor, enqueue, still }) => {
      const first = (await actor.queues.enqueue('other', {}, { delayMs: AN_HOUR })).id;
      await enqueue({ dependsOn: [first] });
      const id = await enqueue();
      await still();
      await actor.queues.cancel({ id: first });
      return id;
    },
  ],
  [
    'a step of a workflow',
    ALL,
    async ({ actor, kind }) => {
      const payload = { k: 'k' };
      const flow = workflow(`flow-${kind}`)
        .step('first', 'other', payload)
        .step('next', kind, payload, { after: 'first', ...(KINDS[kind]!.options as object) });
      const { id } = await flowsOf(actor).start(flow as never);
      await eventually(async () =>
        expect((await flowsOf(actor).find(id))?.state).toBe('succeeded'),
      );
      return id;
    },
  ],
  [
    'the retry of a workflow',
    ALL,
    async ({ actor, kind, still }) => {
      const payload = { k: 'k' };
      const flow = workflow(`again-${kind}`)
        .step('first', 'other', { ...payload, does: 'die' })
        .step('next', kind, payload, { after: 'first', ...(KINDS[kind]!.options as object) });
      const { id } = await flowsOf(actor).start(flow as never);
      await eventually(async () => expect((await flowsOf(actor).find(id))?.state).toBe('failed'));
      await still();
      await flowsOf(actor).retry(id);
      await eventually(async () =>
        expect((await flowsOf(actor).find(id))?.state).toBe('succeeded'),
      );
      return id;
    },
  ],
  ['an enqueue of a new name', ['plain', 'fair'], ({ k, enqueue }) => enqueue({ name: k })],
  [
    'a replacement',
    ['plain', 'keyed'],
    async ({ k, enqueue, isIn, still }) => {
      await isIn('scheduled', await enqueue({ uniqueKey: k, delayMs: AN_HOUR }));
      await still();
      return enqueue({ uniqueKey: k, onConflict: 'replace' });
    },
  ],
  [
    'a permit that is given up',
    ['keyed'],
    async ({ actor, kind, enqueue, isIn, still }) => {
      await adminOf(actor).pause(kind);
      const first = await enqueue();
      await isIn('ready', first);
      const id = await enqueue();
      await still();
      await actor.queues.change(first, { delayMs: AN_HOUR });
      await isIn('ready', id);
      await adminOf(actor).resume(kind);
      return id;
    },
  ],
  [
    'the cancel of what has the permit',
    ['keyed'],
    async ({ actor, kind, enqueue, isIn, still }) => {
      await adminOf(actor).pause(kind);
      const first = await enqueue();
      await isIn('ready', first);
      const id = await enqueue();
      await still();
      await actor.queues.cancel({ id: first });
      await isIn('ready', id);
      await adminOf(actor).resume(kind);
      return id;
    },
  ],
  [
    'a limit of all processes that is raised',
    ['plain', 'ordered'],
    async ({ actor, rig, kind, k, enqueue, isIn, still }) => {
      const admin = adminOf(actor);
      await admin.setLimit(kind, { fleetConcurrency: 1 });
      const first = await enqueue({ ...(KINDS[kind]!.holds && { group: `${k}h` }) }, { does: 'hold' }); // prettier-ignore
      await isIn('running', first);
      const id = await enqueue();
      await still();
      await admin.setLimit(kind, { fleetConcurrency: 2 });
      await eventually(() => expect(rig.ran).toContain(id));
      await actor.queues.cancel({ id: first });
      await admin.removeLimit(kind);
      return id;
    },
  ],
  [
    'a limit of all processes that comes with the first job',
    ['fair'],
    async ({ actor, kind, rig, still, enqueue }) => {
      const admin = adminOf(actor);
      for (let rounds = 0; rounds < 3; rounds++) {
        await still();
        await admin.setLimit(kind, { fleetConcurrency: 1 });
        const id = await enqueue();
        await eventually(() => expect(rig.ran).toContain(id));
        await admin.removeLimit(kind);
      }
      return enqueue();
    },
  ],
  [
    'the cancel of a workflow that held the turn',
    IN_GROUPS,
    async ({ actor, kind, k, enqueue, still }) => {
      const flow = workflow(`held-${kind}`).step('first', kind, { k }, { delayMs: AN_HOUR, ...GROUP, group: k }); // prettier-ignore
      const first = await flowsOf(actor).start(flow as never);
      const id = await enqueue();
      await still();
      await flowsOf(actor).cancel(first.id);
      return id;
    },
  ],
  [
    'a schedule that goes on',
    ['told'],
    async ({ actor, rig, still }) => {
      const schedules = actor.app.get(QueueSchedules, { strict: false });
      await schedules.put('often', { target: 'told', everyMs: 1_000 });
      await schedules.pause('often');
      await still();
      const before = rig.told;
      await schedules.resume('often');
      await eventually(() => expect(rig.told).toBeGreaterThan(before));
      await schedules.remove('often');
      return randomUUID();
    },
  ],
  [
    'a trigger of a schedule',
    ['plain'],
    async ({ actor, kind }) => {
      const schedules = actor.app.get(QueueSchedules, { strict: false });
      await schedules.put(`s-${kind}`, { target: kind, cron: '0 0 1 1 *' });
      const { id } = await schedules.trigger(`s-${kind}`);
      return id;
    },
  ],
  [
    'an end that is told to another queue',
    ['plain'],
    async ({ actor, rig, still }) => {
      const { id } = await actor.queues.enqueue('telling', {}, { delayMs: AN_HOUR });
      await still();
      const before = rig.told;
      await actor.queues.cancel({ id });
      await eventually(() => expect(rig.told).toBe(before + 1));
      return randomUUID();
    },
  ],
  [
    'the expiry of a job whose end is told',
    ['plain'],
    async ({ actor, rig }) => {
      const before = rig.told;
      await actor.queues.enqueue('telling', {}, { staged: true, commitWithinMs: 1_000 });
      await eventually(() => expect(rig.told).toBe(before + 1));
      return randomUUID();
    },
  ],
];

describe('nobody waits for a look', () => {
  let rig: Rig;
  let worker: TestApplication;
  let producer: TestApplication;

  beforeAll(async () => {
    rig = new Rig(await aDatabase());
    worker = await rig.start();
    producer = await rig.start({ worker: false });
  });
  afterAll(async () => {
    openAllGates();
    await Promise.all([worker.close(), producer.close()]);
    await rig.database.drop();
  });

  /** Each act with one kind of its kinds per process, and each kind with some of the acts: all with all takes minutes of a busy machine. */
  describe.each([
    ['this process', () => worker, 0],
    ['another process', () => producer, 3],
  ])('after something in %s:', (_, who, shift) => {
    const cases = ACTS.map(([name, kinds, act], at) => [name, kinds[(at + shift) % kinds.length]!, act] as const); // prettier-ignore

    it.each(cases)('%s, %s', async (_name, kind, act) => {
      const actor = who();
      const k = randomUUID();
      const still = () => untilAtRest(worker);
      await still();
      const id = await act({
        kind,
        k,
        rig,
        actor,
        worker,
        still,
        enqueue: async (options = {}, payload = {}) =>
          (await actor.queues.enqueue(kind, { k, ...payload }, { ...KINDS[kind]!.options, ...(KINDS[kind]!.options.group && { group: k }), ...options })).id, // prettier-ignore
        isIn: async (state, job) =>
          void (await eventually(async () =>
            expect((await actor.queues.find(job))?.state).toBe(state),
          )),
      });
      if (await actor.queues.find(id)) await eventually(() => expect(rig.ran).toContain(id));
    });
  });

  describe('where the process that holds a job', () => {
    const ends: [string, (leaver: TestApplication) => Promise<unknown>][] = [
      ['is stopped', (leaver) => leaver.close()],
      [
        'says nothing more',
        async (leaver) => {
          insideOf(leaver).stopClaiming();
          await rig.database.query('delete from simple_queue.lease where id in (select lease from simple_queue.claim)'); // prettier-ignore
        },
      ],
    ];
    const kinds = ['plain', 'fair', 'keyed-ordered'];
    const cases = ends.flatMap(([name, end]) => kinds.map((kind) => [name, kind, end] as const));

    it.each(cases)('%s, %s', async (_name, kind, end) => {
      await worker.close();
      const leaver = await rig.start({ concurrency: 1 });
      const payload = { k: randomUUID(), does: 'holdFirst' };
      const { id } = await producer.queues.enqueue(kind, payload, KINDS[kind]!.options);
      await eventually(() => expect(rig.started.get(id)).toBe(1));
      worker = await rig.start();
      await untilAtRest(worker);
      await end(leaver);
      await eventually(() => expect(rig.ran).toContain(id));
      openAllGates();
      await leaver.close();
    });

    it('has put it back for later, and is stopped', async () => {
      await worker.close();
      const gate = aGate();
      const leaver = await rig.start({}, gate);
      const { id } = await producer.queues.enqueue('plain', { does: 'failFirst' }, { backoff: constant({ delayMs: 1_000 }) }); // prettier-ignore
      await eventually(() => expect(rig.started.get(id)).toBe(1));
      worker = await rig.start();
      await untilAtRest(worker);
      gate.open();
      await eventually(async () =>
        expect((await producer.queues.find(id))?.state).not.toBe('running'),
      );
      await leaver.close();
      await eventually(() => expect(rig.ran).toContain(id));
    });
  });
});

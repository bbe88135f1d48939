import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { constant, custom, type QueueError, type QueueErrorCode } from 'nestjs-simple-queue';
import type { EnqueueOptions } from 'nestjs-simple-queue';
import type { ClaimRequest, JobQueue, JobQueueEvent, PulledJob } from 'nestjs-simple-queue/pull';
import { eventually } from '../support/eventually.js';

/** A queue under the contract, and what only a test may do to it. */
export interface ContractSubject {
  queue: JobQueue;
  /** Time passes until the lease has run out; nobody has reaped it yet. */
  outlive(leaseId: string): Promise<void>;
  /** Time passes until a waiting job is due. */
  untilDue(jobId: string): Promise<void>;
  close(): Promise<void>;
}

/** What the backoff of queue `asked` was told last. */
let asked: unknown;

/** Options that every subject is made with. */
export const CONTRACT_OPTIONS = {
  maxAttempts: 3,
  backoff: constant({ delayMs: 0 }),
  maxOutputBytes: 1_000,
  queues: {
    slow: { maxAttempts: 2, backoff: constant({ delayMs: 3_600_000 }), timeoutMs: 5_000 },
    asked: { backoff: custom((_, error) => ((asked = error), 0)) },
  },
};

/** An error whose every property throws. */
const THROWS: unknown = new Proxy(
  {},
  {
    get: () => {
      throw new Error('trap');
    },
  },
);

const code = (wanted: QueueErrorCode) => expect.objectContaining({ code: wanted });

/** What every JobQueue promises: one suite, run by each implementation. */
export function jobQueueContract(aSubject: () => Promise<ContractSubject>): void {
  let subject: ContractSubject;
  let queue: JobQueue;

  beforeEach(async () => {
    subject = await aSubject();
    queue = subject.queue;
  });
  afterEach(() => subject.close());

  const add = async (payload: unknown = {}, options?: EnqueueOptions, name = 'build') =>
    (await queue.enqueue(name, payload, options)).id;
  const claim = (request: Partial<ClaimRequest> = {}) =>
    queue.claim({ workerId: 'w1', queues: ['build'], ...request });
  const claimOne = async (
    request: Partial<ClaimRequest> = {},
  ): Promise<{ leaseId: string; job: PulledJob }> => {
    const { leaseId, jobs } = await claim(request);
    expect(jobs).toHaveLength(1);
    return { leaseId, job: jobs[0]! };
  };
  const stateOf = async (id: string) => (await queue.find(id))?.state;
  const lapse = async (leaseId: string) => {
    await subject.outlive(leaseId);
    return queue.reapExpiredLeases();
  };

  describe('a claim', () => {
    it('brings a job with all that it was enqueued with', async () => {
      const id = await add(
        { commit: 'a1' },
        {
          ...{
            name: 'test',
            priority: 7,
            fingerprint: 'f',
            uniqueKey: 'u',
            workflowId: 'wf',
            labels: ['linux'],
            maxAttempts: 9,
          },
          ...{ headers: { trace: 't' }, timeoutMs: 60_000, payloadBytes: Buffer.from([1, 2]) },
        },
      );
      const { job } = await claimOne({ labels: ['linux'] });
      expect(job).toEqual({
        ...{
          id,
          queue: 'build',
          name: 'test',
          payload: { commit: 'a1' },
          priority: 7,
          fingerprint: 'f',
          uniqueKey: 'u',
        },
        ...{
          workflowId: 'wf',
          labels: ['linux'],
          headers: { trace: 't' },
          timeoutMs: 60_000,
          attempt: 1,
          maxAttempts: 9,
        },
        ...{ stalls: 0, reschedules: 0, createdAt: expect.any(Date), runAt: expect.any(Date) },
        payloadBytes: Buffer.from([1, 2]),
      });
      expect(await stateOf(id)).toBe('running');
    });

    it('gives each job to one worker', async () => {
      const ids = [await add(1), await add(2), await add(3), await add(4)];
      const claims = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => claim({ workerId: `w${n}` })));
      const claimed = claims.flatMap(({ jobs }) => jobs.map((job) => job.id));
      expect(claimed.toSorted()).toEqual(ids.toSorted());
    });

    it('takes urgent jobs first, then old ones, and no more than its limit', async () => {
      await add('second');
      await add('third');
      await add('first', { priority: -1 });
      expect((await claim({ limit: 2 })).jobs.map((job) => job.payload)).toEqual([
        'first',
        'second',
      ]);
      expect((await claim({ limit: 2 })).jobs.map((job) => job.payload)).toEqual(['third']);
      expect((await claim()).jobs).toEqual([]);
    });

    it('takes the most urgent of a queue first, whatever its name', async () => {
      for (const priority of [3, 1, 2]) await add(priority, { priority, name: `n${priority}` });
      for (const priority of [-1, -2]) await add(priority, { priority, name: 'n3' });
      const order: unknown[] = [];
      for (let n = 0; n < 5; n++) order.push((await claimOne()).job.payload);
      expect(order).toEqual([-2, -1, 1, 2, 3]);
    });

    it('takes only the queues that it names, by name, by prefix or all', async () => {
      await add(1, {}, 'mail.out');
      await add(2, {}, 'mail.in');
      await add(3, {}, 'pdf');
      expect((await claim({ queues: ['mail'], limit: 9 })).jobs).toEqual([]);
      expect(
        (await claim({ queues: ['mail.*'], limit: 9 })).jobs.map((job) => job.payload).toSorted(),
      ).toEqual([1, 2]);
      expect((await claim({ queues: ['*'], limit: 9 })).jobs.map((job) => job.payload)).toEqual([
        3,
      ]);
    });

    it('brings no job of the future, and brings it when it is due', async () => {
      const id = await add('later', { delayMs: 3_600_000 });
      expect((await claim()).jobs).toEqual([]);
      expect(await stateOf(id)).toBe('scheduled');
      await subject.untilDue(id);
      await eventually(async () => expect((await claim()).jobs.map((job) => job.id)).toEqual([id]));
    });

    it('without jobs has no lease', async () => {
      const { leaseId, jobs } = await claim();
      expect(jobs).toEqual([]);
      await expect(queue.renewLease(leaseId, 1_000)).rejects.toEqual(code('LEASE_UNKNOWN'));
    });

    it('tells how many attempts and how much time a job of its queue has, where the job says nothing', async () => {
      await add(1, {}, 'slow');
      expect((await claimOne({ queues: ['slow'] })).job).toMatchObject({
        maxAttempts: 2,
        timeoutMs: 5_000,
      });
      await add(2, { maxAttempts: 5, timeoutMs: 7 }, 'slow');
      expect((await claimOne({ queues: ['slow'] })).job).toMatchObject({
        maxAttempts: 5,
        timeoutMs: 7,
      });
      await add(3);
      const { job } = await claimOne();
      expect(job.maxAttempts).toBe(3);
      expect(job).not.toHaveProperty('timeoutMs');
    });

    it.each([
      ['no worker', { workerId: '' }],
      ['a worker with a long name', { workerId: 'w'.repeat(201) }],
      ['no queue', { queues: [] }],
      ['an odd queue', { queues: ['a b'] }],
      ['odd labels', { labels: ['a b'] }],
      ['labels that are no list', { labels: 'linux' as never }],
      ['too many labels', { labels: Array.from({ length: 101 }, (_, n) => `l${n}`) }],
      ['a limit of 0', { limit: 0 }],
      ['a limit of 101', { limit: 101 }],
      ['a lease of no time', { leaseMs: 0 }],
      ['a lease of NaN', { leaseMs: Number.NaN }],
      ['something unknown', { lables: [] } as never],
    ])('refuses %s, and takes nothing', async (_, wrong: Partial<ClaimRequest>) => {
      const id = await add();
      await expect(claim(wrong)).rejects.toEqual(code('INVALID_OPTION'));
      expect(await stateOf(id)).toBe('ready');
    });
  });

  describe('labels', () => {
    it('let only a worker that has all of them run a job', async () => {
      const id = await add('both', { labels: ['linux', 'gpu'] });
      expect((await claim()).jobs).toEqual([]);
      expect((await claim({ labels: ['gpu'] })).jobs).toEqual([]);
      const { job } = await claimOne({ labels: ['eu', 'gpu', 'linux'] });
      expect(job).toMatchObject({ id, labels: ['gpu', 'linux'] });
    });

    it('of one job that nobody has block nobody', async () => {
      await add('nobody has it', { labels: ['mainframe'], priority: -9 });
      for (let n = 0; n < 5; n++) await add(n, n % 2 ? { labels: ['linux'] } : {});
      const { jobs } = await claim({ labels: ['linux'], limit: 100 });
      expect(jobs.map((job) => job.payload).toSorted()).toEqual([0, 1, 2, 3, 4]);
    });

    it('are the same in any order and however often', async () => {
      await add(1, { labels: ['b', 'a', 'b'] });
      await add(2, { labels: ['a', 'b'] });
      const { jobs } = await claim({ labels: ['a', 'b'], limit: 2 });
      expect(jobs.map((job) => job.labels)).toEqual([
        ['a', 'b'],
        ['a', 'b'],
      ]);
    });

    it.each([
      ['INVALID_OPTION', 'linux'],
      ['INVALID_NAME', ['']],
      ['INVALID_NAME', ['a,b']],
      ['INVALID_NAME', ['a b']],
      ['INVALID_NAME', [7]],
      ['INVALID_NAME', ['x'.repeat(65)]],
      ['INVALID_OPTION', Array.from({ length: 17 }, (_, n) => `l${n}`)],
    ] as [QueueErrorCode, never][])('are refused with %s: %j', async (wanted, labels) => {
      await expect(add(1, { labels })).rejects.toEqual(code(wanted));
      expect((await claim({ queues: ['*'] })).jobs).toEqual([]);
    });
  });

  describe('a completion', () => {
    it('keeps the outputs', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await queue.complete(leaseId, id, { url: 'https://example.com/a', parts: [1, null] });
      expect(await queue.find(id)).toMatchObject({
        ...{
          state: 'succeeded',
          attempt: 1,
          worker: 'w1',
          output: { url: 'https://example.com/a', parts: [1, null] },
        },
      });
    });

    it('without outputs keeps none', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await queue.complete(leaseId, id);
      expect(await queue.find(id)).not.toHaveProperty('output');
    });

    it('with null has no output, and no error of an earlier attempt', async () => {
      const id = await add();
      await queue.fail((await claimOne()).leaseId, id, new Error('first'));
      await queue.complete((await claimOne()).leaseId, id, null);
      const job = await queue.find(id);
      expect(job).toMatchObject({ state: 'succeeded', attempt: 2 });
      expect(job).not.toHaveProperty('output');
      expect(job).not.toHaveProperty('lastError');
    });

    it('is settled by ids in any case', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      const held = [leaseId.toUpperCase(), id.toUpperCase()] as const;
      await queue.progress(...held, 0.5);
      expect((await queue.find(id))?.progress).toMatchObject({ done: 0.5 });
      await queue.complete(...held);
      expect(await stateOf(id)).toBe('succeeded');
    });

    it('settles each job of a claim by itself', async () => {
      const ids = [await add(1), await add(2)];
      const { leaseId } = await claim({ limit: 2 });
      await queue.complete(leaseId, ids[0]!);
      expect(await Promise.all(ids.map(stateOf))).toEqual(['succeeded', 'running']);
      expect(await queue.renewLease(leaseId, 60_000)).toEqual({ lost: [], cancelled: [] });
      await queue.complete(leaseId, ids[1]!);
      await expect(queue.renewLease(leaseId, 60_000)).rejects.toEqual(code('LEASE_UNKNOWN'));
    });

    it('settles the jobs of one claim at the same time', async () => {
      const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => add(n)));
      const { leaseId } = await claim({ limit: 10 });
      await Promise.all(ids.map((id) => queue.complete(leaseId, id)));
      expect(new Set(await Promise.all(ids.map(stateOf)))).toEqual(new Set(['succeeded']));
      await expect(queue.renewLease(leaseId, 60_000)).rejects.toEqual(code('LEASE_UNKNOWN'));
    });

    it('counts once, however often it is sent', async () => {
      const ids = [await add(1), await add(2)];
      const { leaseId } = await claim({ limit: 2 });
      const answers = await Promise.allSettled(
        [1, 2, 3].map((n) => queue.complete(leaseId, ids[0]!, n)),
      );
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await expect(queue.complete(leaseId, ids[0]!)).rejects.toEqual(code('LEASE_FOREIGN'));
      await queue.complete(leaseId, ids[1]!);
      await expect(queue.complete(leaseId, ids[1]!)).rejects.toEqual(code('LEASE_UNKNOWN'));
    });

    it.each<[QueueErrorCode, string, unknown]>([
      ['OUTPUT_TOO_LARGE', 'too large', 'x'.repeat(1_001)],
      ['INVALID_OUTPUT', 'a bigint', 7n],
      ['INVALID_OUTPUT', 'U+0000', 'a\0b'],
      ['INVALID_OUTPUT', 'half a surrogate pair', '\ud800'],
      ['INVALID_OUTPUT', 'NaN', { n: Number.NaN }],
    ])(
      'is refused with %s for outputs that are %s, and nothing is half-written',
      async (wanted, _, outputs) => {
        const id = await add();
        const { leaseId } = await claimOne();
        await expect(queue.complete(leaseId, id, outputs)).rejects.toEqual(code(wanted));
        expect(await stateOf(id)).toBe('running');
        await queue.complete(leaseId, id, 'smaller');
        expect(await queue.find(id)).toMatchObject({ state: 'succeeded', output: 'smaller' });
      },
    );
  });

  describe('a failure', () => {
    it('is retried while attempts last, and then ends the job', async () => {
      const id = await add();
      for (const attempt of [1, 2, 3]) {
        const { leaseId, job } = await claimOne();
        expect(job.attempt).toBe(attempt);
        expect(await queue.fail(leaseId, id, new TypeError(`no ${attempt}`))).toBe(
          attempt < 3 ? 'retried' : 'failed',
        );
      }
      expect((await claim()).jobs).toEqual([]);
      const job = await queue.find(id);
      expect(job).toMatchObject({
        state: 'failed',
        attempt: 3,
        lastError: { name: 'TypeError', message: 'no 3' },
      });
      expect(
        job!.history.map(({ attempt, outcome, worker }) => [attempt, outcome, worker]),
      ).toEqual([
        [1, 'retried', 'w1'],
        [2, 'retried', 'w1'],
        [3, 'failed', 'w1'],
      ]);
    });

    it('has one short line in the history, and is told whole once', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await queue.fail(leaseId, id, new Error('x'.repeat(10_000)));
      const { lastError, history } = (await queue.find(id))!;
      expect(lastError).toMatchObject({ message: 'x'.repeat(2_000) });
      expect(history).toEqual([
        {
          ...{
            attempt: 1,
            at: expect.any(String),
            outcome: 'retried',
            worker: 'w1',
            runMs: expect.any(Number),
          },
          error: { name: 'Error', message: 'x'.repeat(500) },
        },
      ]);
    });

    it.each([undefined, null])(
      "tells a backoff of one's own of it, as a handler's, where its worker said %s",
      async (said) => {
        await add({}, {}, 'asked');
        const { leaseId, job } = await claimOne({ queues: ['asked'] });
        expect(await queue.fail(leaseId, job.id, said)).toBe('retried');
        expect(asked).toMatchObject({ name: expect.any(String), message: expect.any(String) });
      },
    );

    it('rests by the backoff of its queue', async () => {
      const id = await add(1, {}, 'slow');
      const { leaseId } = await claimOne({ queues: ['slow'] });
      expect(await queue.fail(leaseId, id, 'no')).toBe('retried');
      expect(await stateOf(id)).toBe('scheduled');
      expect((await claim({ queues: ['slow'] })).jobs).toEqual([]);
    });

    it('that is not retryable ends the job at once', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      expect(await queue.fail(leaseId, id, 'never', { retryable: false })).toBe('failed');
      expect(await queue.find(id)).toMatchObject({
        state: 'failed',
        attempt: 1,
        lastError: { message: 'never' },
      });
    });

    it('may be said in any way', async () => {
      const told: [unknown, object][] = [
        [
          { name: 'ValueError', message: 'bad\0text', code: 'E1', stack: 'line 1' },
          { name: 'ValueError', code: 'E1', stack: 'line 1' },
        ],
        [{ message: 7 }, { name: 'Thrown', message: '{"message":7}' }],
        [null, { name: 'Thrown', message: 'null' }],
        [undefined, { name: 'Thrown', message: 'undefined' }],
        [new Error('x'.repeat(10_000)), { name: 'Error', message: 'x'.repeat(2_000) }],
        [THROWS, { name: 'Thrown', message: 'something that cannot be described' }],
      ];
      for (const [error, kept] of told) {
        const id = await add();
        const { leaseId } = await claimOne();
        await queue.fail(leaseId, id, error, { retryable: false });
        expect((await queue.find(id))!.lastError).toMatchObject(kept);
      }
    });

    it('with odd options is refused, and the job is still held', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await expect(queue.fail(leaseId, id, 'no', { retryable: 'no' as never })).rejects.toEqual(
        code('INVALID_OPTION'),
      );
      expect(await stateOf(id)).toBe('running');
    });

    it('can be a release: the attempt is not spent', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      expect(await queue.release(leaseId, id)).toBe('released');
      expect((await claimOne()).job).toMatchObject({ id, attempt: 1 });
    });
  });

  describe('progress', () => {
    it('is found while the job runs, stays behind its end, and goes with no other attempt', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await queue.progress(leaseId, id, { done: 3, of: 4, note: 'compiling' });
      const said = { done: 3, of: 4, share: 0.75, note: 'compiling', attempt: 1 };
      expect((await queue.find(id))?.progress).toEqual({ ...said, at: expect.any(Date) });

      await queue.fail(leaseId, id, 'no');

      expect((await queue.find(id))?.progress).toMatchObject(said);
      const again = await claimOne();
      await queue.progress(again.leaseId, id, 1);
      await queue.complete(again.leaseId, id);
      expect((await queue.find(id))?.progress).toMatchObject({ done: 1, attempt: 2 });
    });

    it('of a run that does not hold the job changes nothing', async () => {
      const [id, other] = [await add(1), await add(2)];
      const { leaseId } = await claimOne();
      await expect(queue.progress(randomUUID(), id, 1)).rejects.toEqual(code('LEASE_UNKNOWN'));
      await expect(queue.progress(leaseId, other, 1)).rejects.toEqual(code('LEASE_FOREIGN'));
      await lapse(leaseId);
      await expect(queue.progress(leaseId, id, 1)).rejects.toEqual(code('LEASE_LOST'));
      expect((await queue.find(id))?.progress).toBeUndefined();
    });

    it('that is none is refused', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      for (const given of [NaN, -1, 2, { done: 2, of: 1 }, 'half' as never])
        await expect(queue.progress(leaseId, id, given)).rejects.toEqual(code('INVALID_OPTION'));
      await expect(queue.progress(leaseId, 'nonsense', 1)).rejects.toEqual(code('INVALID_OPTION'));
    });
  });

  describe('a lease', () => {
    it('that is renewed keeps its jobs', async () => {
      const id = await add();
      const { leaseId } = await claimOne({ leaseMs: 60_000 });
      expect(await queue.renewLease(leaseId, 60_000)).toEqual({ lost: [], cancelled: [] });
      expect(await queue.reapExpiredLeases()).toMatchObject({ leases: 0, jobs: 0 });
      await queue.complete(leaseId, id);
    });

    it('that has expired is not renewed, also where nobody has reaped it yet, and still settles', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await subject.outlive(leaseId);
      await expect(queue.renewLease(leaseId, 60_000)).rejects.toEqual(code('LEASE_LOST'));
      await queue.complete(leaseId, id, 'just so');
      expect(await stateOf(id)).toBe('succeeded');
    });

    it('that has expired is not saved by a refused renewal', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await subject.outlive(leaseId);
      await expect(queue.renewLease(leaseId, 60_000)).rejects.toEqual(code('LEASE_LOST'));
      expect(await queue.reapExpiredLeases()).toMatchObject({ leases: 1, jobs: 1 });
      expect(await stateOf(id)).toBe('ready');
    });

    it('that is reaped wakes those who wait for something to claim', async () => {
      await add();
      const { leaseId } = await claimOne();
      await subject.outlive(leaseId);
      const heard: JobQueueEvent[] = [];
      const stop = queue.subscribe((event) => void heard.push(event));
      // A subscription that has just connected is told to look everywhere.
      await eventually(() =>
        queue.reapExpiredLeases().then(({ leases }) => expect(leases).toBe(1)),
      );
      await eventually(() => expect(heard).toContainEqual({ type: 'wakeUp' }));
      stop();
    });

    it('that is reaped is told to those who subscribe: which it was, whose, and what it held', async () => {
      const ids = [await add(1), await add(2)];
      const { leaseId } = await claim({ limit: 2, workerId: 'silent' });
      const other = await claim({ workerId: 'w2', leaseMs: 86_400_000 });
      const heard: JobQueueEvent[] = [];
      const stop = queue.subscribe((event) => void heard.push(event));
      const { expired } = await lapse(leaseId);
      expect(expired).toEqual([{ leaseId, worker: 'silent', jobs: expect.arrayContaining(ids) }]);
      await eventually(() =>
        expect(heard).toContainEqual({ type: 'leaseExpired', ...expired[0]! }),
      );
      await queue.reapExpiredLeases();
      expect(heard.filter(({ type }) => type === 'leaseExpired')).toHaveLength(1);
      expect(other.jobs).toEqual([]);
      stop();
    });

    it('that is reaped is one of at most 100 of a call, so that no answer is without a bound', async () => {
      const leases: string[] = [];
      for (let n = 0; n < 101; n++) {
        await add(n);
        leases.push((await claimOne({ workerId: `w${n}` })).leaseId);
      }
      for (const leaseId of leases) await subject.outlive(leaseId);
      const reaps = [
        await queue.reapExpiredLeases(),
        await queue.reapExpiredLeases(),
        await queue.reapExpiredLeases(),
      ];
      expect(reaps.map(({ leases, jobs, expired }) => [leases, jobs, expired.length])).toEqual([[100, 100, 100], [1, 1, 1], [0, 0, 0]]); // prettier-ignore
    });

    it('brings the group of a job with it', async () => {
      await add({}, { group: 'tenant-1' });
      expect((await claimOne()).job.group).toBe('tenant-1');
    });

    it('that lapsed gives its jobs back, tells whose they were, and its renewal names what is lost', async () => {
      const ids = [await add(1), await add(2), await add(3)];
      const { leaseId } = await claim({ limit: 3 });
      await queue.complete(leaseId, ids[0]!);
      const lost = ids.slice(1).toSorted();
      const { expired, ...counts } = await lapse(leaseId);
      expect(counts).toEqual({ leases: 1, jobs: 2, poisoned: 0, cancelled: 0 });
      expect(expired.map((lease) => ({ ...lease, jobs: lease.jobs.toSorted() }))).toEqual([
        { leaseId, worker: 'w1', jobs: lost },
      ]);
      const error = (await queue
        .renewLease(leaseId, 60_000)
        .catch((thrown: unknown) => thrown)) as QueueError;
      expect(error.code).toBe('LEASE_LOST');
      for (const id of ids)
        expect([id, error.message.includes(id)]).toEqual([id, lost.includes(id)]);
      expect(await stateOf(ids[1]!)).toBe('ready');
    });

    it('that lapsed holds nothing: a zombie neither completes, fails nor renews', async () => {
      const id = await add();
      const { leaseId: old } = await claimOne();
      await lapse(old);
      const { leaseId, job } = await claimOne({ workerId: 'w2' });
      expect(job).toMatchObject({ id, attempt: 1 });
      await expect(queue.complete(old, id, 'late')).rejects.toEqual(code('LEASE_LOST'));
      await expect(queue.fail(old, id, 'late')).rejects.toEqual(code('LEASE_LOST'));
      await expect(queue.release(old, id)).rejects.toEqual(code('LEASE_LOST'));
      await expect(queue.renewLease(old, 60_000)).rejects.toEqual(code('LEASE_LOST'));
      expect(await queue.renewLease(leaseId, 60_000)).toEqual({ lost: [], cancelled: [] });
      await queue.complete(leaseId, id, 'in time');
      expect(await queue.find(id)).toMatchObject({
        state: 'succeeded',
        output: 'in time',
        worker: 'w2',
      });
    });

    it('that lapsed under the last attempt gives the job back all the same: a lapsed lease spends no attempt', async () => {
      const id = await add(1, { maxAttempts: 1 });
      await lapse((await claimOne()).leaseId);
      const { leaseId, job } = await claimOne();
      expect(job.attempt).toBe(1);
      await queue.complete(leaseId, id);
      expect(await stateOf(id)).toBe('succeeded');
    });

    it('that lapses again and again under one job ends it as poisoned', async () => {
      const id = await add();
      for (let lapses = 1; lapses <= 5; lapses++) {
        expect(await stateOf(id)).toBe('ready');
        expect(await lapse((await claimOne({ workerId: `w${lapses}` })).leaseId)).toMatchObject({
          poisoned: lapses === 5 ? 1 : 0,
        });
      }
      expect(await queue.find(id)).toMatchObject({
        state: 'poisoned',
        stalls: 3,
        attempt: 0,
        lastError: { code: 'JOB_POISONED' },
      });
    });

    it('that lapsed three times under a job leaves it alone with its next worker, and the innocent beside it go free', async () => {
      const [guilty, innocent] = [await add('guilty'), await add('innocent')];
      for (let lapses = 0; lapses < 3; lapses++) await lapse((await claim({ limit: 10 })).leaseId);
      const other = await add('other');
      const first = await claimOne({ limit: 10 });
      expect([guilty, innocent]).toContain(first.job.id);
      expect((await claim({ limit: 10 })).jobs).toEqual([]);
      const beside = await claim({ workerId: 'w2', limit: 10 });
      expect(beside.jobs).toHaveLength(1);
      expect([guilty, innocent]).toContain(beside.jobs[0]!.id);
      await queue.complete(first.leaseId, first.job.id);
      await queue.complete(beside.leaseId, beside.jobs[0]!.id);
      expect((await claimOne({ limit: 10 })).job.id).toBe(other);
    });

    it('that nobody gave is unknown, and another one is foreign', async () => {
      const [id, other] = [await add(1), await add(2)];
      const { leaseId } = await claimOne();
      const second = await claimOne({ workerId: 'w2' });
      for (const unknown of [randomUUID(), 'nonsense', '', undefined as never]) {
        await expect(queue.complete(unknown, id)).rejects.toEqual(code('LEASE_UNKNOWN'));
        await expect(queue.fail(unknown, id, 'no')).rejects.toEqual(code('LEASE_UNKNOWN'));
        await expect(queue.renewLease(unknown, 1_000)).rejects.toEqual(code('LEASE_UNKNOWN'));
      }
      await expect(queue.complete(leaseId, other)).rejects.toEqual(code('LEASE_FOREIGN'));
      await expect(queue.complete(second.leaseId, id)).rejects.toEqual(code('LEASE_FOREIGN'));
      await expect(queue.complete(leaseId, randomUUID())).rejects.toEqual(code('LEASE_FOREIGN'));
      await expect(queue.complete(leaseId, 'nonsense')).rejects.toEqual(code('INVALID_OPTION'));
      expect(await Promise.all([id, other].map(stateOf))).toEqual(['running', 'running']);
    });

    it('is renewed for a sensible time', async () => {
      await add();
      const { leaseId } = await claimOne();
      for (const ms of [0, -1, 99, 86_400_001, Number.NaN, '1000' as never])
        await expect(queue.renewLease(leaseId, ms)).rejects.toEqual(code('INVALID_OPTION'));
    });
  });

  describe('a cancel', () => {
    it('ends what waits, and leaves alone what has ended', async () => {
      const [waiting, later] = [await add(1), await add(2, { delayMs: 60_000 })];
      expect(await queue.cancel(waiting)).toEqual({ cancelled: 1, requested: 0 });
      expect(await queue.cancel(later)).toEqual({ cancelled: 1, requested: 0 });
      expect(await queue.cancel(waiting)).toEqual({ cancelled: 0, requested: 0 });
      expect(await queue.isCancelled(waiting)).toBe(true);
      expect((await claim()).jobs).toEqual([]);
      expect(await queue.isCancelled(randomUUID())).toBe(false);
    });

    it('asks what runs to stop, and the renewal tells', async () => {
      const [id, other] = [await add(1), await add(2)];
      const { leaseId } = await claim({ limit: 2 });
      expect(await queue.isCancelled(id)).toBe(false);
      expect(await queue.cancel(id)).toEqual({ cancelled: 0, requested: 1 });
      expect(await queue.isCancelled(id)).toBe(true);
      expect(await queue.renewLease(leaseId, 60_000)).toEqual({ lost: [], cancelled: [id] });
      expect(await queue.isCancelled(other)).toBe(false);
    });

    it('then fail: ends as cancelled and never runs again', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await queue.cancel(id);
      expect(await queue.fail(leaseId, id, 'no')).toBe('cancelled');
      expect(await stateOf(id)).toBe('cancelled');
      expect((await claim()).jobs).toEqual([]);
    });

    it('then fail: tells of the cancel and spends no attempt, unless it was the last failure, which is told as itself', async () => {
      const told = async (error: unknown, options: { retryable?: boolean }) => {
        const id = await add();
        const { leaseId } = await claimOne();
        await queue.cancel(id);
        expect(await queue.fail(leaseId, id, error, options)).toBe('cancelled');
        const { state, attempt, lastError, history } = (await queue.find(id))!;
        return {
          state,
          attempt,
          name: lastError?.name,
          message: lastError?.message,
          outcomes: history.map((entry) => entry.outcome),
        };
      };
      const cancelled = {
        name: 'Cancelled',
        message: 'cancelled while it ran',
        outcomes: ['cancelled'],
      };
      expect(await told('no', {})).toEqual({ state: 'cancelled', attempt: 0, ...cancelled });
      const failed = { name: 'TypeError', message: 'never', outcomes: ['failed'] };
      expect(await told(new TypeError('never'), { retryable: false })).toEqual({
        state: 'cancelled',
        attempt: 1,
        ...failed,
      });
    });

    it('then release, and then fail for good: end as cancelled', async () => {
      for (const settle of [
        (leaseId: string, id: string) => queue.release(leaseId, id),
        (leaseId: string, id: string) => queue.fail(leaseId, id, 'no', { retryable: false }),
      ]) {
        const id = await add();
        const { leaseId } = await claimOne();
        await queue.cancel(id);
        expect(await settle(leaseId, id)).toBe('cancelled');
        expect(await stateOf(id)).toBe('cancelled');
      }
    });

    it('then succeed: the success that came first counts, and nothing after it changes the job', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await queue.cancel(id);
      await queue.complete(leaseId, id, 'done');
      expect(await queue.find(id)).toMatchObject({ state: 'succeeded', output: 'done' });
      expect(await queue.isCancelled(id)).toBe(false);
      expect(await queue.cancel(id)).toEqual({ cancelled: 0, requested: 0 });
    });

    it('of a job whose lease then lapses ends it', async () => {
      const id = await add();
      const { leaseId } = await claimOne();
      await queue.cancel(id);
      expect(await lapse(leaseId)).toMatchObject({
        leases: 1,
        jobs: 1,
        poisoned: 0,
        cancelled: 1,
        expired: [{ leaseId, jobs: [id] }],
      });
      expect(await stateOf(id)).toBe('cancelled');
      await expect(queue.complete(leaseId, id)).rejects.toEqual(code('LEASE_LOST'));
    });

    it('refuses an id that is none', async () => {
      await expect(queue.cancel('nonsense')).rejects.toEqual(code('INVALID_OPTION'));
      await expect(queue.isCancelled('nonsense')).rejects.toEqual(code('INVALID_OPTION'));
      await expect(queue.cancelWorkflow('')).rejects.toEqual(code('INVALID_OPTION'));
    });
  });

  describe('a workflow', () => {
    it('is cancelled with all of its jobs, and with no other', async () => {
      const other = await add(0, { workflowId: 'other' });
      await queue.complete((await claimOne()).leaseId, other);
      const running = await add(1, { workflowId: 'wf' });
      const { leaseId } = await claimOne();
      const waiting = [
        await add(2, { workflowId: 'wf' }),
        await add(3, { workflowId: 'wf', delayMs: 60_000 }, 'pdf'),
      ];
      const apart = [await add(4, { workflowId: 'wf2' }), await add(5)];

      expect(await queue.cancelWorkflow('wf')).toEqual({ cancelled: 2, requested: 1 });

      expect(await Promise.all(waiting.map(stateOf))).toEqual(['cancelled', 'cancelled']);
      expect(await Promise.all(apart.map(stateOf))).toEqual(['ready', 'ready']);
      expect(await queue.renewLease(leaseId, 60_000)).toEqual({ lost: [], cancelled: [running] });
      expect(await queue.cancelWorkflow('unknown')).toEqual({ cancelled: 0, requested: 0 });
    });

    it('that was cancelled does not run again: not by a failure, not by a lapsed lease, not by a release', async () => {
      const ids = [
        await add(1, { workflowId: 'wf' }),
        await add(2, { workflowId: 'wf' }),
        await add(3, { workflowId: 'wf' }),
      ];
      const leases: string[] = [];
      for (const worker of ['a', 'b', 'c'])
        leases.push((await claimOne({ workerId: worker })).leaseId);
      expect(await queue.cancelWorkflow('wf')).toEqual({ cancelled: 0, requested: 3 });
      await queue.fail(leases[0]!, ids[0]!, 'no');
      await queue.release(leases[1]!, ids[1]!);
      await lapse(leases[2]!);
      expect(await Promise.all(ids.map(stateOf))).toEqual(['cancelled', 'cancelled', 'cancelled']);
      expect((await claim({ queues: ['*'], limit: 100 })).jobs).toEqual([]);
    });
  });

  describe('an enqueue', () => {
    it('knows unique keys while their jobs live, and ids', async () => {
      const first = await queue.enqueue('build', 1, { uniqueKey: 'k' });
      expect(await queue.enqueue('build', 2, { uniqueKey: 'k' })).toEqual({
        id: first.id,
        created: false,
        outcome: 'existing',
      });
      expect((await queue.enqueue('pdf', 3, { uniqueKey: 'k' })).created).toBe(true);
      await queue.complete((await claimOne()).leaseId, first.id);
      expect((await queue.enqueue('build', 4, { uniqueKey: 'k' })).created).toBe(true);
      expect(await queue.enqueue('build', 5, { id: first.id })).toEqual({
        id: first.id,
        created: false,
        outcome: 'existing',
      });
    });

    it('refuses what is wrong', async () => {
      await expect(add(() => 1)).rejects.toEqual(code('INVALID_PAYLOAD'));
      await expect(add(1, { workflowId: '' })).rejects.toEqual(code('INVALID_OPTION'));
      const wrong = [
        { delayMs: -1 },
        { manager: null },
        { manager: 7 },
        { headers: new Map([['a', 'b']]) },
        { lables: [] },
        null,
      ];
      for (const options of wrong as never[])
        await expect(add(1, options)).rejects.toEqual(code('INVALID_OPTION'));
      expect((await claim()).jobs).toEqual([]);
    });
  });

  describe('a subscription', () => {
    it('hears of work and of what happens to jobs, until it is ended', async () => {
      const heard: JobQueueEvent[] = [];
      const stop = queue.subscribe((event) => heard.push(event));
      const id = await add();
      expect(heard).toContainEqual({ type: 'wakeUp' });
      const about = { id, queue: 'build', name: '', attempt: 1 };
      await queue.fail((await claimOne()).leaseId, id, 'no');
      await queue.release((await claimOne()).leaseId, id);
      await queue.complete((await claimOne()).leaseId, id);
      await eventually(() =>
        expect(heard).toContainEqual({ ...about, attempt: 2, type: 'succeeded' }),
      );
      const started = (attempt: number) => ({ ...about, attempt, type: 'started' });
      expect(heard.filter(({ type }) => type !== 'wakeUp' && type !== 'cancelRequested')).toEqual([
        started(1),
        { ...about, type: 'retried' },
        started(2),
        { ...about, attempt: 2, type: 'released' },
        started(2),
        { ...about, attempt: 2, type: 'succeeded' },
      ]);
      stop();
      const before = heard.length;
      await add();
      expect(heard).toHaveLength(before);
    });

    it('of something that cannot be called is refused', () => {
      for (const listener of [undefined, null, {}, 'listener'] as never[])
        expect(() => queue.subscribe(listener)).toThrow(code('INVALID_OPTION'));
    });

    it('hears that a running job was asked to stop', async () => {
      const heard: string[] = [];
      const id = await add();
      await claimOne();
      const stop = queue.subscribe(({ type }) => heard.push(type));
      await queue.cancel(id);
      expect(heard).toContain('cancelRequested');
      stop();
    });

    it('that throws harms neither the queue nor other subscribers', async () => {
      const heard: string[] = [];
      const stops = [
        queue.subscribe(() => {
          throw new Error('mine');
        }),
        queue.subscribe(() => Promise.reject(new Error('mine, later'))),
        queue.subscribe(({ type }) => heard.push(type)),
      ];
      const id = await add();
      await queue.complete((await claimOne()).leaseId, id);
      expect(heard).toEqual(expect.arrayContaining(['wakeUp', 'started', 'succeeded']));
      stops.forEach((stop) => stop());
    });
  });
}

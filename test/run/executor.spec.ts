import { describe, expect, it } from '@jest/globals';
import { of } from 'rxjs';
import type { DataSource, EntityManager } from 'typeorm';
import type { Handler } from '../../lib/handlers/handler-registry.js';
import { step } from '../../lib/job/added-step.js';
import { JobResult } from '../../lib/job/job-result.js';
import { NO_OUTPUT } from '../../lib/job/values/output.js';
import type { Outcome } from '../../lib/job/outcome.js';
import { Permit } from '../../lib/job/permit.js';
import {
  CriticalError,
  QueueError,
  UnprocessableError,
  type QueueErrorCode,
} from '../../lib/job/queue.errors.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { RunReports } from '../../lib/observability/run-reports.js';
import { Executor, type ExecutorParts } from '../../lib/run/executor.js';
import type { JobRun } from '../../lib/run/job-run.js';
import type { ProgressWriter } from '../../lib/run/progress-writer.js';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import { aGate } from '../support/gate.js';
import { aLane, aRun } from '../support/runs.js';

/** What of `parts` a case is about; the rest does as little as it can. */
function anExecutor(parts: Partial<ExecutorParts> = {}) {
  const outcomes: Outcome[] = [];
  const progress = {
    hasNewsOf: () => false,
    hinders: () => false,
    writeLast: async () => undefined,
  };
  const executor = new Executor({
    reports: new RunReports(new QueueEventBus()),
    dataSource: undefined as unknown as DataSource,
    rescheduleForMs: 1_000,
    settle: (_, outcome) => void outcomes.push(outcome),
    added: async () => 'added',
    queues: undefined as never,
    completer: {
      stored: (_, output) => ({ text: JSON.stringify(output) }),
      complete: async () => undefined,
    },
    checkpointer: { save: async () => undefined },
    progress: progress as unknown as ProgressWriter,
    ...parts,
  });
  return { executor, outcomes };
}

/** What becomes of a job that this handler runs. */
async function outcomeOf(handler: Partial<Handler>, parts: Partial<ExecutorParts> = {}) {
  const { executor, outcomes } = anExecutor(parts);
  const run = aRun({}, { lane: aLane(handler) });
  await executor.execute(run);
  expect(outcomes).toHaveLength(1);
  expect(run).toMatchObject({ settled: true, outcome: outcomes[0] });
  return outcomes[0]!;
}

const returning = (answer: unknown) => ({ run: () => answer });
const throwing = (error: unknown) => ({
  run: () => {
    throw error;
  },
});

describe('the executor', () => {
  it.each([
    ['nothing', undefined, undefined, NO_OUTPUT],
    ['a value', { length: 3 }, { length: 3 }, { text: '{"length":3}' }],
    ['a Promise of it', Promise.resolve(7), 7, { text: '7' }],
    ['the last value of an Observable', of(1, 2, 3), 3, { text: '3' }],
    ['JobResult.success', JobResult.success('done'), 'done', { text: '"done"' }],
  ])('makes a success of %s', async (_, answer, output, stored) => {
    expect(await outcomeOf(returning(answer))).toEqual({ kind: 'succeeded', output, stored });
  });

  it.each([
    [JobResult.fail('no'), 'retried'],
    [JobResult.rescheduleIn(500), 'rescheduled'],
    [JobResult.cancel(), 'cancelled'],
    [JobResult.unprocessable('no'), 'unprocessable'],
    [JobResult.critical('no'), 'critical'],
  ])('does what a result says: %j', async (result, kind) => {
    expect(await outcomeOf(returning(result))).toMatchObject({ kind });
  });

  it.each([
    ['an Error', new Error('no'), 'retried'],
    ['what is no error', null, 'retried'],
    ['an UnprocessableError', new UnprocessableError('no'), 'unprocessable'],
    ['a CriticalError', new CriticalError('no'), 'critical'],
  ])('lets nothing out that a handler throws: %s', async (_, error, kind) => {
    expect(await outcomeOf(throwing(error))).toMatchObject({ kind });
    const later = async (): Promise<unknown> => throwing(error).run();
    expect(await outcomeOf({ run: later })).toMatchObject({ kind });
  });

  it('ends a job that has no attempt left', async () => {
    const { executor, outcomes } = anExecutor();
    await executor.execute(aRun({ spent: 99 }, { lane: aLane(throwing(new Error('no'))) }));
    expect(outcomes).toMatchObject([{ kind: 'failed', error: { message: 'no' } }]);
  });

  it.each([
    ['SHUTDOWN', 'shutdown'],
    ['LEASE_LOST', 'leaseLost'],
  ] as [QueueErrorCode, string][])('gives back what throws after %s', async (code, reason) => {
    const { executor, outcomes } = anExecutor();
    const run = aRun({}, { lane: aLane({ run: (job) => abort(job as unknown as JobRun) }) });
    const abort = (job: JobRun): void => {
      job.abort(code, 'stop');
      throw new Error('stopped');
    };
    await executor.execute(run);
    expect(outcomes).toEqual([{ kind: 'released', again: { delayMs: 0 }, reason }]);
  });

  it('settles a timeout at once, and hears nothing of what the handler does later', async () => {
    const { executor, outcomes } = anExecutor();
    const gate = aGate();
    const lane = aLane({ run: () => gate.passed });
    const run = aRun({ options: '{"timeoutMs":1}' }, { lane });
    const ended = executor.execute(run);
    await new Promise((resolve) => run.signal.addEventListener('abort', resolve));
    expect(outcomes).toMatchObject([{ kind: 'retried', error: { code: 'JOB_TIMEOUT' } }]);
    gate.open();
    await ended;
    expect(outcomes).toHaveLength(1);
  });

  it('gives each run a tick of its own', async () => {
    const { executor } = anExecutor();
    const order: string[] = [];
    const lane = aLane({ run: () => void order.push('handler') });
    const ended = executor.execute(aRun({}, { lane }));
    order.push('caller');
    await ended;
    expect(order).toEqual(['caller', 'handler']);
  });

  it('tries again where steps could not be stored, and ends where they can never be', async () => {
    const adding = returning(JobResult.success(1, { then: [step('next', 'work', 1)] }));
    expect(await outcomeOf(adding)).toMatchObject({ kind: 'succeeded', added: 'added' });
    const refused = async () => Promise.reject(new QueueError('WORKFLOW_INVALID', 'no'));
    expect(await outcomeOf(adding, { added: refused })).toMatchObject({ kind: 'critical' });
    const away = async () => Promise.reject(new DatabaseError('store steps', new Error('away')));
    expect(await outcomeOf(adding, { added: away })).toMatchObject({ kind: 'retried' });
  });
});

describe('the executor, where a handler has acquire', () => {
  it('releases the permit when the run is over, however it ended', async () => {
    for (const handler of [returning(1), throwing(new Error('no'))]) {
      const released: number[] = [];
      const acquire = () => new Permit(() => released.push(1));
      await outcomeOf({ ...handler, acquire });
      expect(released).toEqual([1]);
    }
  });

  it('keeps the outcome where the permit cannot be released', async () => {
    const acquire = () =>
      new Permit(() => {
        throw new Error('broken');
      });
    expect(await outcomeOf({ ...returning(1), acquire })).toMatchObject({ kind: 'succeeded' });
  });

  it.each([
    [JobResult.retryIn(500), { kind: 'released', again: { delayMs: 500 }, reason: 'declined' }],
    [JobResult.success(), { kind: 'released', again: { delayMs: 1_000 }, reason: 'declined' }],
    [JobResult.cancel(), { kind: 'cancelled' }],
    [undefined, { kind: 'retried', error: { code: 'HANDLER_INVALID' } }],
  ])('runs nothing where it returns %j', async (answer, outcome) => {
    let runs = 0;
    const acquire = () => answer as never;
    expect(await outcomeOf({ run: () => runs++, acquire })).toMatchObject(outcome);
    expect(runs).toBe(0);
  });

  it('does not start what was aborted while it asked', async () => {
    const acquire = (job: JobRun) => {
      job.abort('SHUTDOWN', 'stop');
      return Permit.free;
    };
    let runs = 0;
    const outcome = await outcomeOf({ run: () => runs++, acquire: acquire as never });
    expect(outcome).toEqual({ kind: 'released', again: { delayMs: 0 }, reason: 'unstarted' });
    expect(runs).toBe(0);
  });
});

describe('the executor, where a handler is transactional', () => {
  const manager = { queryRunner: {}, transaction: () => undefined } as unknown as EntityManager;

  /** A DataSource whose transactions write down how they ended. */
  function aDataSource() {
    const ends: string[] = [];
    const transaction = async (_: string, work: (manager: EntityManager) => Promise<void>) => {
      try {
        await work(manager);
        ends.push('commit');
      } catch (error) {
        ends.push('rollback');
        throw error;
      }
    };
    return { ends, dataSource: { transaction } as unknown as DataSource };
  }
  const options = { transactional: true } as const;

  it('completes in the transaction of a success, and commits', async () => {
    const { ends, dataSource } = aDataSource();
    const completed: unknown[] = [];
    const completer: ExecutorParts['completer'] = {
      stored: (_, output) => ({ text: JSON.stringify(output) }),
      complete: async (_, stored, given) => void completed.push(stored, given),
    };
    await outcomeOf({ options, ...returning(7) }, { dataSource, completer });
    expect(completed).toEqual([{ text: '7' }, { manager }]);
    expect(ends).toEqual(['commit']);
  });

  it.each([
    ['throws', throwing(new Error('no')), 'retried'],
    ['fails by its result', returning(JobResult.unprocessable('no')), 'unprocessable'],
  ])('rolls back what %s', async (_, handler, kind) => {
    const { ends, dataSource } = aDataSource();
    expect(await outcomeOf({ options, ...handler }, { dataSource })).toMatchObject({ kind });
    expect(ends).toEqual(['rollback']);
  });
});

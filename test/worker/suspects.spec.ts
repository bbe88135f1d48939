import { describe, expect, it } from '@jest/globals';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import type { ClaimedRow } from '../../lib/storage/row-mapper.js';
import { Claims } from '../../lib/worker/claims.js';
import { Dispatcher } from '../../lib/worker/dispatcher.js';
import type { JobRun } from '../../lib/worker/job-run.js';
import { Suspects, type SuspectsParts } from '../../lib/worker/suspects.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { aLane, aRow, aRun } from '../support/runs.js';

/** Suspects with a dispatcher that is real, and everything that reaches the database told by the test. */
function aCrew(waiting: ClaimedRow[] = []) {
  const lane = aLane({ limit: 100 });
  const lanes = { concurrency: 100, all: () => [lane], openIds: () => [1], get: () => lane } as unknown as SuspectsParts['lanes'];
  const ran: JobRun[] = [];
  const claims = new Claims();
  const crew = {
    poller: 'claims',
    resumed: 0,
    given: [] as string[],
    lease: 'lease' as string | undefined,
    beforeClaim: async (): Promise<unknown> => undefined,
    execute: async (run: JobRun): Promise<void> => {
      ran.push(run);
      await Promise.resolve();
      settle(run);
    },
    ran,
    waiting,
    lane,
  };
  const settle = (run: JobRun) => {
    run.settled = true;
    claims.settled(run.claim);
    dispatcher.notice();
  };
  const dispatcher: Dispatcher = new Dispatcher(() => [lane], (call) => crew.execute(call as JobRun), () => undefined); // prettier-ignore
  const poller = {
    get isPaused() {
      return crew.poller !== 'claims';
    },
    pause: () => (crew.poller = 'paused'),
    resume: () => (crew.poller = 'claims'),
    giveBackWaiting: (reason: string) => lane.giveBack().forEach(() => crew.given.push(reason)),
  } as unknown as SuspectsParts['poller'];
  const jobs = {
    claimSuspects: async (
      _id: string,
      _lease: string,
      _lanes: number[],
      { suspicion, limit }: { suspicion: number; limit: number },
    ) => {
      await crew.beforeClaim();
      const taken = crew.waiting.filter((row) => row.suspicion === suspicion).slice(0, limit);
      crew.waiting = crew.waiting.filter((row) => !taken.includes(row));
      return taken;
    },
  } as unknown as SuspectsParts['jobs'];
  const suspects = new Suspects({ jobs, lanes, claims, dispatcher, poller, settler: {} as SuspectsParts['settler'], ids: new Uuid7(), lease: () => crew.lease, onResume: () => crew.resumed++ }); // prettier-ignore
  return Object.assign(crew, { suspects, dispatcher, settle });
}

const lone = (count: number) => Array.from({ length: count }, () => aRow({ suspicion: 2 }));
const once = (count: number) => Array.from({ length: count }, () => aRow({ suspicion: 1 }));

describe('suspects', () => {
  it('run alone when suspected twice: nothing is claimed or started beside them, and everything goes on afterwards', async () => {
    const crew = aCrew(lone(3));
    const beside: string[] = [];
    crew.execute = async (run) => {
      beside.push(`${crew.poller} ${crew.dispatcher.size}`);
      crew.settle(run);
    };
    crew.suspects.expect([2]);

    await crew.suspects.round();

    expect(beside).toEqual(['paused 1', 'paused 1', 'paused 1']);
    expect(crew.poller).toBe('claims');
    expect(crew.resumed).toBe(1);
  });

  it('let the poller claim after the start, though others took the lone ones it waited for', async () => {
    const crew = aCrew();
    crew.poller = 'paused by the start';
    crew.suspects.expect([2]);
    crew.suspects.expect([]);

    await crew.suspects.round();

    expect(crew.poller).toBe('claims');
    expect(crew.resumed).toBe(1);
  });

  it('let the poller go on when the claim of a lone one fails', async () => {
    const crew = aCrew(lone(1));
    crew.beforeClaim = () => Promise.reject(new Error('database is away'));
    crew.suspects.expect([2]);

    await expect(crew.suspects.round()).rejects.toThrow('away');

    expect(crew.poller).toBe('claims');
  });

  it('run beside everything else when suspected once, at most a tenth of the concurrency', async () => {
    const crew = aCrew(once(25));
    const gate = aGate();
    crew.execute = async (run) => {
      await gate.passed;
      crew.settle(run);
    };
    crew.suspects.expect([1]);

    await crew.suspects.round();
    await crew.suspects.round();

    expect(crew.dispatcher.size).toBe(10);
    expect(crew.waiting.length).toBe(15);
    gate.open();
  });

  it('are not claimed without a lease', async () => {
    const crew = aCrew([...once(1), ...lone(1)]);
    crew.lease = undefined;
    crew.suspects.expect([1, 2]);

    await crew.suspects.round();

    expect(crew.ran).toEqual([]);
    expect(crew.waiting.length).toBe(2);
  });

  it.each([1, 2] as const)('suspected %d times go back when the worker stops while they are being claimed', async (suspicion) => {
    const crew = aCrew(suspicion === 1 ? once(1) : lone(1));
    crew.beforeClaim = async () => crew.suspects.close();
    crew.suspects.expect([suspicion]);

    await crew.suspects.round();

    expect(crew.ran).toEqual([]);
    expect(crew.given).toEqual(['unstarted']);
  });

  it('hold up no stop: the round of a lone one ends when they are closed', async () => {
    const crew = aCrew(lone(1));
    const started = aGate();
    crew.execute = async () => started.open();
    crew.suspects.expect([2]);

    const round = crew.suspects.round();
    await started.passed;
    crew.suspects.close();

    expect(await round).toBe(Infinity);
    expect(crew.poller).toBe('paused');
  });

  it('wait longer for quiet after each time that what runs would not end', async () => {
    const crew = aCrew(lone(1));
    const gate = aGate();
    const busy = aRun();
    crew.lane.add(busy);
    crew.execute = async (run) => {
      if (run === busy) await gate.passed;
      crew.ran.push(run);
      crew.settle(run);
    };
    crew.dispatcher.startAll();
    crew.suspects.expect([2]);

    await crew.suspects.round();
    const afterFirst = crew.resumed;
    for (let turn = 0; turn < 5; turn++) await crew.suspects.round();

    expect(crew.ran).toEqual([]);
    expect(afterFirst).toBe(1);
    gate.open();
    await eventually(async () => (await crew.suspects.round(), expect(crew.ran.length).toBe(2)), { timeoutMs: 5_000 });
  });
});

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Intake } from '../../lib/claim/intake.js';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import type { ClaimedRow } from '../../lib/storage/claim/row-mapper.js';
import { Claims } from '../../lib/settle/claims.js';
import { Dispatcher } from '../../lib/claim/dispatcher.js';
import type { Arrivals } from '../../lib/claim/arrivals.js';
import type { JobRun } from '../../lib/run/job-run.js';
import type { Settler } from '../../lib/settle/settler.js';
import { Suspects, type SuspectsParts } from '../../lib/claim/suspects.js';
import type { LaneRun } from '../../lib/claim/worker-lane.js';
import { aGate } from '../support/gate.js';
import { aLane, aRow, aRun } from '../support/runs.js';

/** Suspects with a dispatcher that is real, and everything that reaches the database told by the test. */
function aCrew(waiting: ClaimedRow[] = []) {
  const lane = aLane({ limit: 100 });
  const lanes = {
    concurrency: 100,
    all: () => [lane],
    held: () => [lane],
    get: () => lane,
  } as unknown as SuspectsParts['lanes'];
  const ran: JobRun[] = [];
  const claims = new Claims();
  const crew = {
    resumed: 0,
    clock: performance.now(),
    accompanied: [] as string[],
    accompany: async (): Promise<void> => undefined,
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
  const claimRepository = {
    accompany: async ({ id }: JobRun) => (await crew.accompany(), crew.accompanied.push(id)),
    claimSuspects: async (
      _id: string,
      _lease: string,
      _lanes: number[],
      { alone, limit }: { alone: boolean; limit: number },
    ) => {
      await crew.beforeClaim();
      const taken = crew.waiting.filter((row) => row.suspicion > 2 === alone).slice(0, limit);
      crew.waiting = crew.waiting.filter((row) => !taken.includes(row));
      return taken;
    },
  } as unknown as SuspectsParts['claimRepository'];
  const settler = {
    add: (_run: JobRun, outcome: { kind: string }) => crew.given.push(outcome.kind),
  } as unknown as Settler;
  const arrivals = { take: (run: LaneRun) => run.lane.add(run) } as unknown as Arrivals;
  const intake = new Intake({
    lanes,
    claims,
    settler,
    strays: { add: () => undefined },
    arrivals,
    dispatcher,
    ids: new Uuid7(),
    lease: () => crew.lease,
  });
  const suspects = new Suspects({
    claimRepository,
    lanes,
    claims,
    dispatcher,
    intake,
    onResume: () => crew.resumed++,
  });
  intake.resume();
  return Object.assign(crew, { suspects, intake, dispatcher, settle });
}

const lone = (count: number) => Array.from({ length: count }, () => aRow({ suspicion: 3 }));
const LONE = { suspects: false, lone: true };
const APART = { suspects: true, lone: false };
const once = (count: number) => Array.from({ length: count }, () => aRow({ suspicion: 1 }));

describe('suspects', () => {
  // What lone ones may spend is asked of the clock, which must not depend on the machine.
  beforeEach(() => void jest.spyOn(performance, 'now').mockReturnValue(1_000_000));
  afterEach(() => void jest.restoreAllMocks());

  it('run alone after three crashes: nothing is claimed or started beside them, and everything goes on afterwards', async () => {
    const crew = aCrew(lone(3));
    const beside: string[] = [];
    crew.execute = async (run) => {
      beside.push(`${crew.intake.isPaused ? 'paused' : 'claims'} ${crew.dispatcher.size}`);
      crew.settle(run);
    };
    crew.suspects.expect(LONE);

    await crew.suspects.round();

    expect(beside).toEqual(['paused 1', 'paused 1', 'paused 1']);
    expect(crew.intake.isPaused).toBe(false);
    expect(crew.resumed).toBe(1);
  });

  it('let the poller claim after the start, though others took the lone ones it waited for', async () => {
    const crew = aCrew();
    crew.intake.isPaused = true;
    crew.suspects.expect(LONE);
    crew.suspects.expect({ suspects: false, lone: false });

    await crew.suspects.round();

    expect(crew.intake.isPaused).toBe(false);
    expect(crew.resumed).toBe(1);
  });

  it('let the poller go on when the claim of a lone one fails', async () => {
    const crew = aCrew(lone(1));
    crew.beforeClaim = () => Promise.reject(new Error('database is away'));
    crew.suspects.expect(LONE);

    await expect(crew.suspects.round()).rejects.toThrow('away');

    expect(crew.intake.isPaused).toBe(false);
  });

  it('run beside everything else before that, at most half of what may run at once', async () => {
    const crew = aCrew(once(60));
    const gate = aGate();
    crew.execute = async (run) => {
      await gate.passed;
      crew.settle(run);
    };
    crew.suspects.expect(APART);

    await crew.suspects.round();
    await crew.suspects.round();

    expect(crew.dispatcher.size).toBe(50);
    expect(crew.waiting.length).toBe(10);
    gate.open();
  });

  it('are not claimed without a lease', async () => {
    const crew = aCrew([...once(1), ...lone(1)]);
    crew.lease = undefined;
    crew.suspects.expect({ suspects: true, lone: true });

    await crew.suspects.round();

    expect(crew.ran).toEqual([]);
    expect(crew.waiting.length).toBe(2);
  });

  it.each([1, 3] as const)(
    'of degree %d go back when the worker stops while they are being claimed',
    async (suspicion) => {
      const crew = aCrew(suspicion === 1 ? once(1) : lone(1));
      crew.beforeClaim = async () => crew.suspects.close();
      crew.suspects.expect(suspicion === 1 ? APART : LONE);

      await crew.suspects.round();

      expect(crew.ran).toEqual([]);
      expect(crew.given).toEqual(['released']);
    },
  );

  it('hold up no stop: the round of a lone one ends when they are closed', async () => {
    const crew = aCrew(lone(1));
    const started = aGate();
    crew.execute = async () => started.open();
    crew.suspects.expect(LONE);

    const round = crew.suspects.round();
    await started.passed;
    crew.suspects.close();

    expect(await round).toBe(Infinity);
    expect(crew.intake.isPaused).toBe(true);
  });

  /** What the lane runs until the gate opens, since then. */
  async function besideBusy(crew: ReturnType<typeof aCrew>, since: () => number) {
    const gate = aGate();
    const busy = aRun();
    const execute = crew.execute;
    crew.execute = async (run) => {
      if (run !== busy) return execute(run);
      run.startedAt = since();
      await gate.passed;
      crew.settle(run);
    };
    crew.lane.add(busy);
    crew.dispatcher.startAll();
    return gate;
  }

  it('wait for no job that has run long without harm: a hung handler freezes nobody', async () => {
    const crew = aCrew(lone(2));
    const gate = await besideBusy(crew, () => performance.now() - 60_000);
    crew.suspects.expect(LONE);

    await crew.suspects.round();

    expect(crew.ran.length).toBe(2);
    expect([crew.intake.isPaused, crew.dispatcher.size]).toEqual([false, 1]);
    gate.open();
  });

  it('wait for what has just begun, and run as soon as it ends', async () => {
    const crew = aCrew(lone(1));
    const gate = await besideBusy(crew, () => performance.now());
    crew.suspects.expect(LONE);

    const round = crew.suspects.round();
    expect([crew.intake.isPaused, crew.ran.length]).toEqual([true, 0]);
    gate.open();
    await round;

    expect(crew.ran.length).toBe(1);
  });

  it('let others in after their time alone, once the database knows that a crash is no longer theirs', async () => {
    jest.useFakeTimers({
      doNotFake: ['performance', 'setImmediate', 'queueMicrotask', 'nextTick'],
    });
    try {
      const crew = aCrew(lone(1));
      const gate = aGate();
      crew.execute = async (run) => {
        crew.ran.push(run);
        await gate.passed;
        crew.settle(run);
      };
      crew.suspects.expect(LONE);

      const round = crew.suspects.round();
      await jest.advanceTimersByTimeAsync(4_999);
      expect([crew.intake.isPaused, crew.accompanied]).toEqual([true, []]);
      await jest.advanceTimersByTimeAsync(1);
      expect([crew.intake.isPaused, crew.accompanied]).toEqual([false, []]);
      crew.lane.add(aRun());
      crew.dispatcher.startAll();
      await round;

      expect(crew.accompanied).toEqual([crew.ran[0]!.id]);
      expect(crew.ran.length).toBe(2);
      gate.open();
    } finally {
      jest.useRealTimers();
    }
  });

  it("are not let in beside while the database does not answer: the crash would be the wrong job's", async () => {
    jest.useFakeTimers({
      doNotFake: ['performance', 'setImmediate', 'queueMicrotask', 'nextTick'],
    });
    try {
      const crew = aCrew(lone(1));
      crew.execute = async (run) => void crew.ran.push(run);
      crew.accompany = () => Promise.reject(new Error('away'));
      crew.suspects.expect(LONE);
      const round = crew.suspects.round();
      await jest.advanceTimersByTimeAsync(5_000);
      crew.lane.add(aRun());
      crew.dispatcher.startAll();
      await jest.advanceTimersByTimeAsync(10_000);
      expect(crew.ran.length).toBe(1);

      crew.accompany = async () => undefined;
      await jest.advanceTimersByTimeAsync(1_000);
      await round;
      expect(crew.ran.length).toBe(2);
    } finally {
      jest.useRealTimers();
    }
  });

  it('spend at most a fifth of the time of a process in which others wait, and all of one in which nobody does', async () => {
    const crew = aCrew(lone(3));
    crew.lane.wasEmpty = false;
    const now = jest.spyOn(performance, 'now').mockImplementation(() => crew.clock);
    try {
      crew.execute = async (run) => {
        await Promise.resolve();
        crew.ran.push(run);
        crew.clock += 2_000;
        crew.settle(run);
      };
      const roundAfter = async (ms: number): Promise<number> => {
        crew.clock += ms;
        crew.suspects.expect(LONE);
        await crew.suspects.round();
        return crew.ran.length;
      };
      expect(await roundAfter(0)).toBe(1);
      expect(await roundAfter(4_000)).toBe(1);
      expect(await roundAfter(2_000)).toBe(2);
      crew.lane.wasEmpty = true;
      expect(await roundAfter(0)).toBe(3);
    } finally {
      now.mockRestore();
    }
  });
});

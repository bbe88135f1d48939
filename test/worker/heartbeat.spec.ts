import { describe, expect, it, jest } from '@jest/globals';
import { Uuid7 } from '../../lib/runtime/uuid7.js';
import type { LeaseRepository, Renewal } from '../../lib/storage/leases/lease.repository.js';
import { Heartbeat } from '../../lib/worker/heartbeat.js';

/** No test waits for it. */
const LEASE_MS = 60_000;
const ALIVE: Renewal = { alive: true, cancelled: [], unknown: [] };

function aHeartbeat(renew: () => Promise<Renewal>) {
  const told = {
    taken: [] as string[],
    lost: 0,
    cancelled: [] as string[],
    freed: [] as string[],
    released: 0,
    stopped: 0,
    serves: [1],
    served: [] as number[][],
  };
  const leases = {
    take: async (id: string, _worker: string, _leaseMs: number, { lanes }: { lanes: number[] }) => {
      told.taken.push(id);
      told.served.push([...lanes]);
    },
    serve: async (_id: string, lanes: number[]) => void told.served.push([...lanes]),
    renew,
    releaseClaims: async (_lease: string, claims: string[]) => told.freed.push(...claims),
  } as unknown as LeaseRepository;
  const standIn = { renewedAt: -Infinity, renewed: (at: number) => void (standIn.renewedAt = at), taken: async (_: string, at: number) => standIn.renewed(at), stop: async () => void told.stopped++ }; // prettier-ignore
  const heartbeat = new Heartbeat({
    leases,
    standIn,
    ids: new Uuid7(),
    worker: 'test',
    intervalMs: 7,
    leaseMs: LEASE_MS,
    answerMs: 10,
    knownClaims: () => [],
    lanes: () => told.serves,
    policies: {},
    schedules: [],
    about: async () => ({ version: '1.0.0', host: 'here', loopMs: 3, memoryMb: 90 }),
    onEnd: () => undefined,
    onCancel: (ids) => told.cancelled.push(...ids),
    onLost: () => told.lost++,
    onReleased: (jobs) => (told.released += jobs),
  });
  return { heartbeat, told, standIn };
}

/** The lease may have run out since. */
const longAgo = (): number => performance.now() - LEASE_MS - 1;

describe('the heartbeat', () => {
  it('renews its lease and rests an interval', async () => {
    const { heartbeat, told } = aHeartbeat(async () => ALIVE);
    await heartbeat.take();

    expect(await heartbeat.beat()).toBe(7);

    expect(heartbeat.lease).toBe(told.taken[0]);
    expect(told.lost).toBe(0);
  });

  it('tells which jobs were asked to stop, and frees claims whose answers were lost', async () => {
    const { heartbeat, told } = aHeartbeat(async () => ({
      alive: true,
      cancelled: ['job'],
      unknown: ['claim'],
    }));
    await heartbeat.take();

    await heartbeat.beat();

    expect(told).toMatchObject({ cancelled: ['job'], freed: ['claim'], released: 1 });
  });

  it('has lost everything when its lease is gone, and takes another, never the same', async () => {
    const { heartbeat, told } = aHeartbeat(async () => ({ ...ALIVE, alive: false }));
    await heartbeat.take();

    await heartbeat.beat();

    expect(told.lost).toBe(1);
    expect(told.taken.length).toBe(2);
    expect(told.taken[0]).not.toBe(told.taken[1]);
    expect(heartbeat.lease).toBe(told.taken[1]);
  });

  // A second lease would never be renewed: what is claimed under it is taken away while it runs.
  it('takes one lease where two beats find the last one lost', async () => {
    const { heartbeat, told, standIn } = aHeartbeat(async () => ALIVE);
    await heartbeat.take();
    standIn.renewed(longAgo());
    heartbeat['fence']();

    await Promise.all([heartbeat.beat(), heartbeat.beat()]);

    expect(told.taken).toHaveLength(2);
    expect(heartbeat.lease).toBe(told.taken[1]);
  });

  it('tells which lanes it serves when it takes a lease, again when they have changed, and every minute', async () => {
    const { heartbeat, told } = aHeartbeat(async () => ALIVE);
    await heartbeat.take();
    await heartbeat.beat();
    told.serves.push(2);

    await heartbeat.beat();
    await heartbeat.beat();

    expect(told.served).toEqual([[1], [1, 2]]);
    const later = performance.now() + 60_001;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => later);
    await heartbeat.beat();
    await heartbeat.beat();
    clock.mockRestore();
    expect(told.served).toEqual([[1], [1, 2], [1, 2]]);
  });

  it('gives no lease to claim under once it may have run out, and tells the handlers, once', async () => {
    const { heartbeat, told, standIn } = aHeartbeat(() => Promise.reject(new Error('away')));
    await heartbeat.take();
    expect(heartbeat.lease).toBe(told.taken[0]);

    standIn.renewed(longAgo());
    expect(heartbeat.lease).toBeUndefined();
    await expect(heartbeat.beat()).rejects.toThrow('away');
    expect(told.lost).toBe(1);
    await heartbeat.beat();

    expect(told).toMatchObject({ lost: 1, taken: [expect.any(String), expect.any(String)] });
  });

  it('goes on failing when it takes another lease, until one is renewed', async () => {
    let renew = (): Promise<Renewal> => Promise.reject(new Error('refused'));
    const { heartbeat, standIn } = aHeartbeat(() => renew());
    await heartbeat.take();
    standIn.renewed(longAgo());
    await expect(heartbeat.beat()).rejects.toThrow('refused');
    await heartbeat.beat();
    expect(heartbeat.failures.failed).toMatchObject({ rounds: 1, error: { message: 'refused' } });
    await expect(heartbeat.beat()).rejects.toThrow('refused');
    expect(heartbeat.failures.failed.rounds).toBe(2);
    renew = async () => ALIVE;
    await heartbeat.beat();
    expect(heartbeat.failures.failed.rounds).toBe(0);
  });

  it('has lost nothing while its event loop was blocked and the stand-in renewed its lease', async () => {
    const { heartbeat, told, standIn } = aHeartbeat(() =>
      Promise.reject(new Error('timed out meanwhile')),
    );
    await heartbeat.take();
    standIn.renewed(longAgo());
    expect(heartbeat.lease).toBeUndefined();
    standIn.renewed(performance.now());

    expect(heartbeat.lease).toBe(told.taken[0]);
    await heartbeat.beat().catch(() => undefined);

    expect(told.lost).toBe(0);
  });

  it('ends the stand-in before its lease', async () => {
    const { heartbeat, told } = aHeartbeat(async () => ALIVE);
    await heartbeat.take();
    await heartbeat.end().catch(() => undefined);
    expect(told.stopped).toBe(1);
  });
});

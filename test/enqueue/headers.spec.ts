import { describe, expect, it } from '@jest/globals';
import { joinedHeaders, traced } from '../../lib/enqueue/headers.js';
import type { Telemetry } from '../../lib/observability/telemetry.js';

const text = (length: number): string => 'x'.repeat(length);

describe('headers', () => {
  it('of the caller win over those of the carriers, and these over those of the telemetry', () => {
    const travelling = {
      carried: { a: 'carried', b: 'carried' },
      traced: { a: 'traced', b: 'traced', c: 'traced' },
    };
    expect(joinedHeaders({ a: 'own' }, travelling)).toEqual({
      a: 'own',
      b: 'carried',
      c: 'traced',
    });
  });

  it('of the telemetry are left out where there is no room for them', () => {
    expect(joinedHeaders({ a: text(8_000) }, { traced: { c: text(200) } })).toEqual({
      a: text(8_000),
    });
    expect(joinedHeaders(undefined, { traced: { c: text(9_000) } })).toBeUndefined();
  });

  it('of caller and carriers are refused together, with a word of both', () => {
    expect(() => joinedHeaders({ a: text(5_000) }, { carried: { b: text(5_000) } })).toThrow(
      'headers and those of the carriers have 10015 bytes together, more than 8192',
    );
  });

  it('keep a key of the prototype as a plain key', () => {
    const hostile = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    expect(JSON.stringify(joinedHeaders({ a: '1' }, { carried: hostile }))).toBe(
      '{"__proto__":"x","a":"1"}',
    );
  });
});

describe('an enqueue within telemetry', () => {
  const call = { queue: 'mail', jobs: 1 };
  const watching = (enqueue: Telemetry['enqueue']): Telemetry => ({
    start: () => () => undefined,
    enqueue,
  });
  const storing = <Answer>(store: () => Promise<Answer>) => ({ store, capture: () => undefined });

  it.each<[string, Telemetry['enqueue']]>([
    ['throws before it', () => Promise.reject(new Error('no tracer'))],
    [
      'throws afterwards',
      async (_, next) => Promise.reject(new Error(`no span for ${String(await next())}`)),
    ],
    ['forgets it', () => Promise.resolve()],
    [
      'does it when the call is over',
      (_, next) => (setImmediate(() => void next()), Promise.resolve()),
    ],
    ['does it twice', async (_, next) => Promise.all([next(), next()])],
  ])('stores once where that %s', async (_, enqueue) => {
    let stored = 0;
    await expect(
      traced(
        watching(enqueue),
        call,
        storing(() => Promise.resolve(++stored)),
      ),
    ).resolves.toBe(1);
    await new Promise(setImmediate);
    expect(stored).toBe(1);
  });

  it('tells the error of the storing, and no other', async () => {
    const telemetry = watching((_, next) =>
      next().catch(() => Promise.reject(new Error('of the span'))),
    );
    await expect(
      traced(
        telemetry,
        call,
        storing(() => Promise.reject(new Error('of the database'))),
      ),
    ).rejects.toThrow('of the database');
  });
});

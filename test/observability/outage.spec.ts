import { beforeEach, describe, expect, it } from '@jest/globals';
import { QueueEventBus } from '../../lib/observability/events.js';
import { attachLogListener } from '../../lib/observability/log-listener.js';
import { Outage } from '../../lib/observability/outage.js';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';

const AWAY = Object.assign(new Error('connect ECONNREFUSED'), { code: 'DATABASE_UNAVAILABLE' });
const POLLED = { wanted: 1, claimed: 0, settled: 0, ms: 1 };

describe('a database that is away', () => {
  let now = 0;
  let events: QueueEventBus;
  let told: string[];
  let outage: Outage;

  beforeEach(() => {
    now = 0;
    events = new QueueEventBus();
    told = [];
    outage = new Outage(
      events,
      ({ phase, ms }) => told.push(`${phase} ${ms}`),
      () => now,
    );
  });

  const fails = (loop: string, restMs = 1_000) => outage.takes({ loop, restMs, error: AWAY });
  const polls = () => events.emit('polled', () => POLLED);

  it('is told once when it begins, however many loops meet it, once a minute, and once at its end', () => {
    for (; now < 130_000; now += 1_000)
      for (const loop of ['poll', 'beat', 'reap']) expect(fails(loop)).toBe(true);
    polls();
    now += 3_000;
    polls();
    polls();
    expect(told).toEqual(['began 0', 'lasts 60000', 'lasts 120000', 'over 130000']);
  });

  it('is not over while one loop still fails, though others are well', () => {
    for (; now < 20_000; now += 1_000) {
      fails('listener', 500);
      polls();
    }
    expect(told).toEqual(['began 0']);
  });

  it('costs a poll nothing before and after', () => {
    expect(events.hasListener('polled')).toBe(false);
    fails('poll');
    expect(events.hasListener('polled')).toBe(true);
    now += 5_000;
    polls();
    expect(events.hasListener('polled')).toBe(false);
    fails('poll');
    outage.detach();
    expect(told).toEqual(['began 0', 'over 5000', 'began 0']);
    expect(events.hasListener('polled')).toBe(false);
  });

  it('leaves other errors of loops to lines of their own', () => {
    const error = Object.assign(new Error('no right'), { code: '42501' });
    expect(outage.takes({ loop: 'clean', restMs: 5, error })).toBe(false);
    expect(outage.takes({ loop: 'clean', restMs: 5, error: 'odd' })).toBe(false);
  });

  // Both have the code of a database that is away: they are passing, too.
  it.each(['57014', '55006'])(
    'leaves what the server refused (%s) to a line of its own',
    (state) => {
      const refused = new DatabaseError(
        'clean up',
        Object.assign(new Error('no'), { code: state }),
      );
      expect(refused.code).toBe('DATABASE_UNAVAILABLE');
      expect(outage.takes({ loop: 'clean', restMs: 5, error: refused })).toBe(false);
      expect(told).toEqual([]);
    },
  );

  it('begins again where nothing was heard of it since the last loop should have tried', () => {
    fails('replay');
    // An attempt that waits for its connection.
    now += 40_000;
    fails('replay');
    now += 259_200_000;
    fails('replay');
    now += 5_000;
    polls();
    expect(told).toEqual(['began 0', 'began 0', 'over 5000']);
    expect(events.hasListener('polled')).toBe(false);
  });

  it('has its lines in the log', () => {
    const lines: string[] = [];
    const note = (level: string) => (line: string) => void lines.push(`${level} ${line}`);
    const logger = { log: note('log'), warn: note('warn'), error: note('error') };
    const detach = attachLogListener(events, logger);
    for (const loop of ['poll', 'beat', 'reap', 'poll'])
      events.emit('loopFailed', () => ({ loop, restMs: 50, error: AWAY }));
    detach();
    expect(lines).toEqual([
      'error the database is away: Error [DATABASE_UNAVAILABLE]: connect ECONNREFUSED. All loops of this process try again until it is back',
    ]);
  });
});

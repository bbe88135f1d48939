import { describe, expect, it } from '@jest/globals';
import type { LoggerService } from '@nestjs/common';
import fc, { anyText } from '../support/properties.js';
import {
  QueueEventBus,
  type QueueEventName,
  type QueueEvents,
} from '../../lib/observability/events.js';
import { attachLogListener, type LogOptions } from '../../lib/observability/log-listener.js';
import type { Redact } from '../../lib/observability/redaction.js';

class Notebook implements LoggerService {
  readonly lines: string[] = [];
  private note = (level: string) => (message: string) =>
    void this.lines.push(`${level} ${message}`);
  log = this.note('log');
  warn = this.note('warn');
  error = this.note('error');
  debug = this.note('debug');
}

const SECRET = 'hunter2';
const job = { id: '0190', queue: 'mail', name: 'welcome', attempt: 2 };

/** The line that each event leaves, with something in it that must not be told. */
const LINES: {
  [
    Name in Exclude<
      QueueEventName,
      | 'enqueued'
      | 'polled'
      | 'started'
      | 'progress'
      | 'succeeded'
      | 'rescheduled'
      | 'released'
      | 'ticked'
      | 'workflowEnded'
    >
  ]: [event: QueueEvents[Name], line: string];
} = {
  cancelled: [
    { ...job, name: '', reason: 'order gone' },
    'log job 0190 (mail, attempt 2) was cancelled: order gone',
  ],
  retried: [
    {
      ...{ ...job, runMs: 5, maxAttempts: 5, again: { delayMs: 12_345 } },
      error: { name: 'Error', message: 'busy', code: 'EBUSY', stack: SECRET },
    },
    'warn job 0190 (mail/welcome, attempt 2 of 5) failed after 5 ms and will be retried in 12.3 s: Error [EBUSY]: busy',
  ],
  failed: [
    {
      ...job,
      runMs: 5,
      state: 'unprocessable',
      error: { name: 'TypeError', message: 'no date', stack: SECRET },
    },
    'error job 0190 (mail/welcome, attempt 2) ended as unprocessable after 5 ms: TypeError: no date',
  ],
  workflowStuck: [
    {
      ...{ id: '0190', name: 'order', attempt: 1, step: 'pay', jobId: '0191' },
      error: { name: 'Error', message: 'bank away' },
    },
    'warn workflow 0190 (order, attempt 1) is stuck: job 0191, which compensates the step "pay", ended: Error: bank away',
  ],
  leaseLost: [
    job,
    'warn job 0190 (mail/welcome, attempt 2) was taken from this process; its late answer changed nothing',
  ],
  leaseLapsed: [
    { worker: 'web-1', jobs: 3 },
    'warn worker web-1 lost its lease; 3 running job(s) were asked to stop',
  ],
  outputCut: [
    { ...job, problem: '90000 bytes, cut' },
    'warn job 0190 (mail/welcome, attempt 2) succeeded, but its output was not stored whole: 90000 bytes, cut',
  ],
  outputInvalid: [
    { ...job, problem: 'sentAt: no date' },
    'warn job 0190 (mail/welcome, attempt 2) succeeded, but its output does not fit its template: sentAt: no date',
  ],
  reaped: [
    { leases: 1, jobs: 9, poisoned: 2, cancelled: 1, expired: [] },
    'log took back 9 job(s) of 1 silent worker(s), 2 poisoned, 1 cancelled',
  ],
  spooling: [
    { phase: 'over', jobs: 9, existing: 1, aside: 2 },
    'warn the spool is empty again: 9 job(s) stored, 1 of them known, 2 put aside',
  ],
  expired: [{ jobs: 2 }, 'warn 2 staged job(s) expired: nobody committed them in their time'],
  loopFailed: [
    {
      loop: 'poller',
      restMs: 250,
      error: databaseError({ code: '57P01', message: 'terminating connection', detail: SECRET }),
    },
    'error poller failed and continues in 250 ms: Error [57P01]: terminating connection',
  ],
  warning: [
    { code: 'OPTIONS_SUSPICIOUS', message: 'leaseMs is short' },
    'warn OPTIONS_SUSPICIOUS: leaseMs is short',
  ],
  workerStarted: [
    { worker: 'web-1', queues: ['mail', 'receipts'] },
    'log worker web-1 works mail, receipts',
  ],
  workerStopped: [
    { worker: 'web-1', released: 3 },
    'log worker web-1 stopped, 3 job(s) given back',
  ],
};

function databaseError(fields: object): Error {
  return Object.assign(new Error(), fields);
}

function noted<Name extends QueueEventName>(
  name: Name,
  event: QueueEvents[Name],
  options?: LogOptions,
): string[] {
  const events = new QueueEventBus();
  const notebook = new Notebook();
  attachLogListener(events, notebook, options);
  events.emit(name, () => event);
  return notebook.lines;
}

describe('the log', () => {
  it.each(Object.entries(LINES))(
    'has one line for %s, and nothing secret in it',
    (name, [event, line]) => {
      expect(noted(name as QueueEventName, event)).toEqual([line]);
      expect(line).not.toContain(SECRET);
    },
  );

  it('has no line, and makes no event, for what goes as it should', () => {
    const events = new QueueEventBus();
    attachLogListener(events, new Notebook());
    const silent = [
      'enqueued',
      'polled',
      'started',
      'succeeded',
      'rescheduled',
      'released',
    ] as const;
    expect(silent.filter((name) => events.hasListener(name))).toEqual([]);
  });

  it.each(['22P02', '23505'])(
    'leaves out the text of a data error (%s): it quotes values',
    (code) => {
      const error = databaseError({
        code,
        message: `invalid input: "${SECRET}"`,
        detail: `Key (card)=(${SECRET})`,
      });
      expect(noted('loopFailed', { loop: 'settler', restMs: 9, error })).toEqual([
        `error settler failed and continues in 9 ms: Error [${code}]: the database refused a value`,
      ]);
    },
  );

  it.each([null, undefined, 'text', { detail: SECRET }])(
    'says only the kind of a loop error that is none: %p',
    (error) => {
      expect(noted('loopFailed', { loop: 'poller', restMs: 9, error })).toEqual([
        expect.stringMatching(/something of type \w+ was thrown$/),
      ]);
    },
  );

  it('keeps names of any queue, job and worker on one line, without colours and without what cannot be seen', () => {
    const odd =
      'a\u001b[31m\r\nERROR b\u009b\u00ad\u061c\u200b\u200e\u200f\u2028\u202e\u2060\u2066\ufeff\u{e0041}\u034f\u115f\u3164\uffa0\ufe0f\u{e0100}c';
    const lines = [
      ...noted('failed', { ...LINES.failed[0], queue: odd, name: odd }),
      ...noted('leaseLost', { ...LINES.failed[0], queue: odd, name: odd }),
      ...noted('workerStarted', { worker: odd, queues: [odd] }),
      ...noted('warning', { code: odd, message: odd }),
    ];
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
  });

  it('keeps any error text on one line, without colours, and short', () => {
    fc.assert(
      fc.property(anyText(1_000), (message) => {
        const [line] = noted('failed', { ...LINES.failed[0], error: { name: 'Error', message } });
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
        expect(line?.isWellFormed()).toBe(true);
        expect(line?.length).toBeLessThan(450);
      }),
    );
  });

  it.each([
    [
      'connect ECONNREFUSED postgres://app:hunter2@db:5432/shop',
      'connect ECONNREFUSED postgres://[redacted]@db:5432/shop',
    ],
    ['at https://app:hunter2@host/a?b=c@d', 'at https://[redacted]@d'],
    ['{"password":"hunter2","user":"app"}', '{"password":[redacted],"user":"app"}'],
    [
      'PGPASSWORD=hunter2 and api_key: hunter2, done',
      'PGPASSWORD=[redacted] and api_key: [redacted], done',
    ],
    [String.raw`{"password":"hun\"ter2","user":"app"}`, '{"password":[redacted],"user":"app"}'],
    [String.raw`{"password":"hunter2\\","user":"app"}`, '{"password":[redacted],"user":"app"}'],
    [
      String.raw`body "{\"password\":\"hunter 2\",\"user\":1}"`,
      String.raw`body "{\"password\":[redacted],\"user\":1}"`,
    ],
    [`password = 'hun ter2' failed`, 'password = [redacted] failed'],
    [`{"token":"hunter2 is cut o`, '{"token":[redacted]'],
    [
      'Cookie: theme=dark; session=hunter2; other=hunter2\nnext line',
      'Cookie: [redacted] next line',
    ],
    [
      '{"set-cookie":"a=1; session=hunter2","status":401}',
      '{"set-cookie":[redacted],"status":401}',
    ],
    [
      'Authorization: Digest username="app", realm="x", response="hunter2"',
      'Authorization: Digest [redacted]',
    ],
    [
      'authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature=hunter2',
      'authorization: [redacted]',
    ],
    [
      'fatal: https://hunter2@github.com/shop.git not found',
      'fatal: https://[redacted]@github.com/shop.git not found',
    ],
    ['see https://docs.example/a@b and //host/x@y', 'see https://docs.example/a@b and //host/x@y'],
    ['Authorization: Bearer hunter2.hunter2', 'Authorization: Bearer [redacted]'],
    [
      'nothing of it: token 5 of https://host:80/path',
      'nothing of it: token 5 of https://host:80/path',
    ],
  ])('hides credentials: %s', (message, told) => {
    const [line] = noted('failed', { ...LINES.failed[0], error: { name: 'Error', message } });
    expect(line).toContain(`Error: ${told}`);
  });

  it('hides a secret that the end of the line would cut in two', () => {
    const message = `${'x'.repeat(265)} postgres://app:hunter2-hunter2@db`;
    const [line] = noted('failed', { ...LINES.failed[0], error: { name: 'Error', message } });
    expect(line).not.toContain('hunter2'.slice(0, 3));
  });

  it.each<[string, Redact, string]>([
    ['a pattern', /\d{16}/, 'card [redacted] and [redacted]'],
    [
      'a function',
      (text) => text.replaceAll(/\d{12}(\d{4})/g, '...$1'),
      'card ...1111 and ...1111',
    ],
    ['a function that fails', () => JSON.parse('{') as string, '[redacted]'],
    ['one that answers no text', () => undefined as unknown as string, '[redacted]'],
  ])('hides what the application names by %s', (_, redact, told) => {
    const error = { name: 'Error', message: 'card 4111111111111111 and 4111111111111111' };
    expect(noted('failed', { ...LINES.failed[0], error }, { redact })[0]).toContain(told);
  });

  it('has the levels that are asked for, and lines for what goes as it should', () => {
    const levels = { succeeded: 'debug', cancelled: false, retried: 'log' } as const;
    const of = <Name extends QueueEventName>(name: Name, event: QueueEvents[Name]) =>
      noted(name, event, { levels });
    expect(of('cancelled', LINES.cancelled[0])).toEqual([]);
    expect(of('retried', LINES.retried[0])).toEqual([expect.stringMatching(/^log job/)]);
    expect(of('succeeded', { ...job, runMs: 7, output: SECRET })).toEqual([
      'debug job 0190 (mail/welcome, attempt 2) succeeded after 7 ms',
    ]);
  });

  it.each([
    [{ delayMs: 250 }, 'in 250 ms'],
    [{ delayMs: 3_600_000 }, 'in 3600 s'],
    [{ at: new Date('2030-01-01T00:00:00Z') }, 'at 2030-01-01T00:00:00.000Z'],
  ])('says when the next attempt is: %j', (again, told) => {
    const [line] = noted('retried', { ...LINES.retried[0], again }, {});
    expect(line).toContain(`will be retried ${told}: `);
  });

  it('stops when it is told to', () => {
    const events = new QueueEventBus();
    const notebook = new Notebook();
    attachLogListener(events, notebook)();
    events.emit('warning', () => ({ code: 'LATE', message: 'too late' }));
    expect(notebook.lines).toEqual([]);
    expect((Object.keys(LINES) as QueueEventName[]).some((name) => events.hasListener(name))).toBe(
      false,
    );
  });
});

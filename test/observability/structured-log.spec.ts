import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { QueueEventBus } from '../../lib/observability/events.js';
import { attachLogListener, type LogOptions } from '../../lib/observability/log-listener.js';
import { Child } from '../support/child.js';

const SECRET = 'hunter2';
const job = { id: '0190', queue: 'mail', name: 'welcome', attempt: 2 };
const failed = {
  ...job,
  ...{ runMs: 5.4, state: 'failed' as const, output: SECRET },
  error: {
    name: 'Error',
    code: 'EBUSY',
    message: `smtp://app:${SECRET}@mail is busy`,
    stack: SECRET,
  },
};
const told = {
  msg: 'job 0190 (mail/welcome, attempt 2) ended as failed after 5 ms: Error [EBUSY]: smtp://[redacted]@mail is busy',
  ...{
    event: 'failed',
    jobId: '0190',
    queue: 'mail',
    jobName: 'welcome',
    attempt: 2,
    ms: 5,
    state: 'failed',
    code: 'EBUSY',
  },
};

afterEach(() => {
  jest.restoreAllMocks();
});

/** What this logger of an application makes of the library's events. */
function through(logger: LoggerService, options: LogOptions): QueueEventBus {
  Logger.overrideLogger(logger);
  const events = new QueueEventBus();
  attachLogListener(events, new Logger('SimpleQueue'), { structured: true, ...options });
  return events;
}

describe('structured logs', () => {
  it("are objects in Nest's JSON log", () => {
    const lines: string[] = [];
    const keep = (text: unknown) => (lines.push(String(text)), true);
    jest.spyOn(process.stdout, 'write').mockImplementation(keep);
    jest.spyOn(process.stderr, 'write').mockImplementation(keep);
    const events = through(new ConsoleLogger({ json: true }), {
      levels: { workerStarted: 'debug' },
    });
    events.emit('failed', () => failed);
    events.emit('workerStarted', () => ({ worker: 'web-1', queues: ['mail'] }));
    jest.restoreAllMocks();

    const [error, started] = lines.map((line) => JSON.parse(line) as object);
    expect(error).toMatchObject({ level: 'error', context: 'SimpleQueue', message: told });
    expect(started).toMatchObject({
      level: 'debug',
      message: { event: 'workerStarted', worker: 'web-1' },
    });
    expect(lines.join()).not.toContain(SECRET);
  });

  // nestjs-pino's releases for the lowest supported Node.js are CommonJS, which Jest does not let require Nest's ES modules.
  it('are fields of the line in pino', async () => {
    const child = new Child(new URL('./child-pino.ts', import.meta.url), { SECRET });
    await child.says(({ msg }) => msg === 'PARTITION: later');

    const [error, loop, warning] = child.said;
    expect(error).toMatchObject({ level: 50, context: 'SimpleQueue', ...told });
    expect(loop).toMatchObject({
      level: 50,
      event: 'loopFailed',
      loop: 'poll',
      ms: 50,
      code: 'Error',
    });
    expect(warning).toMatchObject({
      level: 40,
      event: 'warning',
      code: 'PARTITION',
      msg: 'PARTITION: later',
    });
    expect(JSON.stringify(child.said)).not.toContain(SECRET);
  });
});

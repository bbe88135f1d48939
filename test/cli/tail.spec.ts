import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { constant } from '../../lib/job/backoff.js';
import type { Job } from '../../lib/job/job.js';
import { aHandler, anApplication, PATIENT, type TestApplication } from '../support/application.js';
import { cli } from '../support/cli.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { eventually } from '../support/eventually.js';
import { aGate } from '../support/gate.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** A tail that goes on until the test ends it. */
class Tail {
  out = '';
  notes = '';
  private readonly controller = new AbortController();
  private readonly ended: Promise<{ code: number }>;

  constructor(url: string, ...flags: string[]) {
    this.ended = cli(['tail', '--interval', '200', ...flags], {
      env: { DATABASE_URL: url },
      interruption: this.controller.signal,
      onOut: (text) => (this.out += text),
      onErr: (text) => (this.notes += text),
    });
  }

  /** From here on it tells what happens. */
  static async start(url: string, ...flags: string[]): Promise<Tail> {
    const tail = new Tail(url, ...flags);
    await eventually(() => tail.notes.includes('Ctrl-C ends it'));
    return tail;
  }

  /** The words told of a job, in their order. */
  wordsOf(id: string): string[] {
    return [...this.out.matchAll(/^\S+ +(\S+) +(\S+)/gm)]
      .filter((match) => match[2] === id)
      .map((match) => match[1]!);
  }

  async end(): Promise<number> {
    this.controller.abort(130);
    return (await this.ended).code;
  }
}

describe('tail', () => {
  let database: TestDatabase;
  let application: TestApplication;
  const [gate, told, read] = [aGate(), aGate(), aGate()];

  beforeAll(async () => {
    database = await aDatabase();
    const mail = aHandler('mail', ({ payload }: Job<never>) =>
      payload === 'wait' ? gate.passed : undefined,
    );
    const steps = aHandler('steps', async (_, context) => {
      await told.passed;
      context.progress({ done: 1, of: 2 });
      await read.passed;
    });
    const letters = aHandler('letters', () => Promise.reject(new Error('no\u001b[2J paper')), {
      maxAttempts: 2,
      // Until the test says so: what has come and gone between two looks is told by its end alone.
      backoff: constant({ delayMs: 3_600_000 }),
    });
    application = await anApplication(database, {
      options: PATIENT,
      providers: [mail, letters, steps],
    });
  });
  afterAll(async () => {
    await application.close();
    await database.drop();
  });

  it('tells of starts, retries and ends, also of what came and went between two looks; nothing of before', async () => {
    const { id: old } = await application.queues.enqueue('mail', 'old');
    await application.queues.wait(old);
    const tail = await Tail.start(database.url);
    const { id: slow } = await application.queues.enqueue('mail', 'wait');
    await eventually(() => tail.wordsOf(slow).length === 1);
    const { id: failing } = await application.queues.enqueue('letters', null);
    const { id: quick } = await application.queues.enqueue('mail', 'quick');
    await eventually(() => tail.wordsOf(failing).includes('retrying'));
    await application.app.get(QueueAdmin, { strict: false }).retry(failing);
    await eventually(
      () => tail.wordsOf(quick).includes('succeeded') && tail.wordsOf(failing).includes('failed'),
    );
    gate.open();
    await eventually(() => tail.wordsOf(slow).length === 2);
    expect(await tail.end()).toBe(0);
    expect([tail.wordsOf(slow), tail.wordsOf(old)]).toEqual([['started', 'succeeded'], []]);
    expect(tail.wordsOf(failing)).toEqual(expect.arrayContaining(['retrying', 'failed']));
    expect(tail.out).toContain(String.raw`Error: no\u001b[2J paper`);
  });

  it('tells how far a run has come', async () => {
    const tail = await Tail.start(database.url, '--queue', 'steps');
    const { id } = await application.queues.enqueue('steps', {});
    await eventually(() => tail.wordsOf(id).includes('started'));
    told.open();
    await eventually(() => tail.wordsOf(id).includes('progress'));
    read.open();
    await eventually(() => tail.wordsOf(id).includes('succeeded'));
    expect(await tail.end()).toBe(0);
    expect(tail.wordsOf(id)).toEqual(['started', 'progress', 'succeeded']);
    expect(tail.out).toContain(`${id}  steps  50 % (1 of 2)\n`);
  });

  it('tells of one queue, of errors alone, and in lines of JSON', async () => {
    const tail = new Tail(database.url, '--queue', 'letters', '--errors', '--json');
    await eventually(async () => {
      await application.queues.enqueue('mail', 'quick');
      const { id } = await application.queues.enqueue('letters', null, { maxAttempts: 1 });
      await application.queues.wait(id);
      return tail.out.includes('"failed"');
    });
    expect(await tail.end()).toBe(0);
    const told = tail.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { queue: string; error: object });
    expect(new Set(told.map(({ queue }) => queue))).toEqual(new Set(['letters']));
    expect(told.every(({ error }) => error !== undefined)).toBe(true);
  });

  it('refuses an interval that a timer cannot keep, and would make it look without a rest', async () => {
    const { code, err } = await cli(['tail', '--interval', '30d', '--url', database.url]);
    expect({ code, err }).toEqual({
      code: 2,
      err: 'error: tail: --interval must be from 200 ms to 1 h.\n',
    });
  });

  it('goes on when the database comes back', async () => {
    const proxy = await TcpProxy.start(database.url);
    const tail = await Tail.start(proxy.url);
    proxy.refuse();
    proxy.reset();
    await eventually(() => tail.notes.includes('It is tried again'));
    await proxy.pass();
    await eventually(() => tail.notes.includes('The database is back.'));
    const { id } = await application.queues.enqueue('mail', 'quick');
    await eventually(() => tail.wordsOf(id).includes('succeeded'));
    expect(await tail.end()).toBe(0);
    proxy.stop();
  });
});

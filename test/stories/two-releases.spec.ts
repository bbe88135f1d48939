import { describe, expect, it } from '@jest/globals';
import { QueuePolicies } from '../../lib/options/queue-policy.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import { aHandler, PATIENT, type TestApplication } from '../support/application.js';
import { aStory } from '../support/story.js';

const OLD: SimpleQueueOptions = { archive: false };
const NEW: SimpleQueueOptions = { archive: { keepMs: 3_600_000 } };

describe('two releases of an application beside each other', () => {
  const story = aStory(PATIENT);

  const start = (options: SimpleQueueOptions) =>
    story.start({ options, providers: [aHandler('mail', () => undefined)] });

  /** As its heartbeat does every minute. */
  async function repeat({ storage }: TestApplication, options: SimpleQueueOptions): Promise<void> {
    const { id } = await storage.lanes.of('mail', '');
    await storage.leases.declare([id], new QueuePolicies(resolveOptions(options).options).ends());
  }

  /** Whether a job is kept that a process of a third release without a worker cancels. */
  async function isKept({ queues }: TestApplication): Promise<boolean> {
    const { id } = await queues.enqueue('mail', 1, { delayMs: 3_600_000 });
    await queues.cancel({ id });
    return (await queues.find(id)) !== undefined;
  }

  const warnings = (application: TestApplication) =>
    application.seen('warning').filter(({ code }) => code === 'POLICY_DIFFERS');

  it.each([
    ['the one that is deployed', OLD, NEW],
    ['the one that was rolled back to', NEW, OLD],
  ])('go by the one that started last, which says nothing of it: %s', async (_, first, second) => {
    const api = await story.start({ options: { ...first, worker: false } });
    const older = await start(first);
    await repeat(older, first);
    expect(await isKept(api)).toBe(first === NEW);
    const younger = await start(second);
    for (let minutes = 0; minutes < 3; minutes++) {
      await repeat(younger, second);
      expect(await isKept(api)).toBe(second === NEW);
      await repeat(older, first);
      expect(await isKept(api)).toBe(second === NEW);
    }
    expect(warnings(older)).toEqual([
      { code: 'POLICY_DIFFERS', message: expect.stringContaining('"mail" (archive ') },
    ]);
    expect([...warnings(younger), ...warnings(api)]).toEqual([]);

    await younger.close();
    await repeat(older, first);
    await story.database.query(
      `update simple_queue.queue set policy = jsonb_set(policy, '{asked}', '1') where name = 'mail'`,
    );
    await repeat(older, first);
    expect(await isKept(api)).toBe(first === NEW);
  });
});

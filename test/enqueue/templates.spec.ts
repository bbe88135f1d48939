import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineJob, type JobDefinition } from '../../lib/enqueue/define-job.js';
import * as soon from '../../lib/enqueue/templated-item.js';
import { constant, custom } from '../../lib/job/backoff.js';
import { isTemplate } from '../../lib/job/job-template.js';

const refused = (message: string) =>
  expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(message) });

/** An answer at once or later. */
const templatedItem = async (...call: Parameters<typeof soon.templatedItem>) =>
  soon.templatedItem(...call);
const templatedItems = async (...call: Parameters<typeof soon.templatedItems>) =>
  soon.templatedItems(...call);

describe('a template that could never work is refused where it is defined', () => {
  it.each<[string, unknown, string]>([
    ['no definition', null, 'the options must be an object, not null'],
    ['no queue', { name: 'send' }, 'queue is missing'],
    ['a bad queue', { queue: 'a b' }, '"a b" is not a queue name'],
    ['a bad name', { queue: 'mail', name: '../x' }, '"../x" is not a job name'],
    [
      'a payload that is no schema',
      { queue: 'mail', payload: {} },
      'payload must be a Standard Schema',
    ],
    [
      'an output that is no schema',
      { queue: 'mail', output: 5 },
      'output must be a Standard Schema',
    ],
    [
      'an unknown key',
      { queue: 'mail', payloadd: 5 },
      'payloadd is not known (did you mean "payload"?)',
    ],
    ['an unknown default', { queue: 'mail', defaults: { priorty: 1 } }, 'did you mean "priority"?'],
    [
      'a wrong default',
      { queue: 'mail', defaults: { maxAttempts: 0 } },
      'maxAttempts must be a number from 1',
    ],
    [
      'a default that cannot be stored',
      { queue: 'mail', defaults: { backoff: custom(() => 1) } },
      'cannot be stored',
    ],
    [
      'an id for all jobs',
      { queue: 'mail', defaults: { id: '018f0000-0000-7000-8000-000000000000' } },
      'id belongs to a single job',
    ],
    [
      'a payload for all jobs',
      { queue: 'mail', defaults: { payload: 1 } },
      'payload belongs to a single job',
    ],
    [
      'a name among the defaults',
      { queue: 'mail', defaults: { name: 'send' } },
      'name belongs to a single job',
    ],
  ])('%s', (_, definition, problem) => {
    expect(() => defineJob(definition as JobDefinition)).toThrow(refused(problem));
    expect(() => defineJob()(definition as JobDefinition)).toThrow(refused(problem));
  });

  it('with everything that is wrong at once', () => {
    expect(() => defineJob({ queue: 'a b', name: 'c d' })).toThrow(/"a b"[\s\S]*"c d"/);
  });
});

it('knows its own, and cannot be changed', () => {
  const template = defineJob({ queue: 'mail', defaults: { priority: 1 } });
  expect(isTemplate(template)).toBe(true);
  expect(isTemplate({ queue: 'mail', name: '', defaults: {} })).toBe(false);
  expect([template, template.defaults].every((part) => Object.isFrozen(part))).toBe(true);
  expect(template).toMatchObject({ queue: 'mail', name: '' });
});

describe('an item of a template', () => {
  const Letters = defineJob({
    queue: 'mail',
    name: 'letter',
    payload: z.object({ to: z.string(), at: z.coerce.date().optional() }),
    defaults: { maxAttempts: 5, delayMs: 1_000, backoff: constant({ delayMs: 5 }) },
  });
  const to = { to: 'ann' };

  it("carries the template's name and defaults", async () => {
    expect(await templatedItem(Letters, { payload: to })).toEqual({
      payload: to,
      name: 'letter',
      maxAttempts: 5,
      delayMs: 1_000,
      backoff: constant({ delayMs: 5 }),
    });
  });

  it("carries the call's word where there are two; undefined is no word", async () => {
    const item = await templatedItem(Letters, {
      payload: to,
      maxAttempts: 2,
      delayMs: undefined,
      priority: 7,
    });
    expect(item).toMatchObject({ maxAttempts: 2, delayMs: 1_000, priority: 7 });
  });

  it('has one word for when: a run time of the call leaves no default delay', async () => {
    const runAt = new Date();
    expect(await templatedItem(Letters, { payload: to, runAt })).not.toHaveProperty('delayMs');
  });

  it('keeps what was given, not what the schema makes of it', async () => {
    const at = '2030-01-01T00:00:00.000Z';
    expect(await templatedItem(Letters, { payload: { to: 'ann', at, extra: 1 } })).toMatchObject({
      payload: { to: 'ann', at, extra: 1 },
    });
  });

  it('is checked as it will arrive, after JSON', async () => {
    const Strict = defineJob({ queue: 'mail', payload: z.object({ at: z.date() }) });
    const call = templatedItem(Strict, { payload: { at: new Date() } });
    await expect(call).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
      message: expect.stringMatching(/after JSON\): at: .*expected date/),
    });
    expect(await templatedItem(Letters, { payload: { to: 'ann', at: new Date() } })).toBeDefined();
  });

  it('that does not fit names template, path and message, never the value', async () => {
    const call = templatedItem(Letters, { payload: { to: 4_111_111 } });
    await expect(call).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
      message: expect.stringMatching(/schema of mail\/letter .*: to: /),
    });
    await expect(call).rejects.not.toMatchObject({ message: expect.stringContaining('4111111') });
  });

  it('that JSON cannot hold is refused before the schema is asked', async () => {
    const Any = defineJob({ queue: 'mail', payload: z.any() });
    await expect(templatedItem(Any, { payload: 1n })).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
    });
  });

  it('may be asked of a schema that answers later', async () => {
    const Later = defineJob({
      queue: 'mail',
      payload: z.string().refine(async (text) => text === 'known', 'is unknown'),
    });
    expect(await templatedItem(Later, { payload: 'known' })).toMatchObject({ payload: 'known' });
    await expect(templatedItem(Later, { payload: 'x' })).rejects.toThrow('is unknown');
  });

  it('says so when the schema fails instead of answering', async () => {
    const cause = new Error('no network');
    const validate = () => Promise.reject(cause);
    const Broken = defineJob({
      queue: 'mail',
      payload: { '~standard': { version: 1, vendor: 'test', validate } },
    });
    await expect(templatedItem(Broken, { payload: 'x' })).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
      cause,
    });
    const throws = (): never => {
      throw cause;
    };
    const AtOnce = defineJob({
      queue: 'mail',
      payload: { '~standard': { version: 1, vendor: 'test', validate: throws } },
    });
    await expect(templatedItem(AtOnce, { payload: 'x' })).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
      cause,
    });
  });

  it.each(['other', ''])('cannot be given the name "%s"', async (name) => {
    await expect(templatedItem(Letters, { payload: to, name })).rejects.toEqual(
      refused('names its jobs itself'),
    );
  });

  it('is named by its number among many', async () => {
    const items = [{ payload: to }, { payload: {} }] as { payload: { to: string } }[];
    await expect(templatedItems(Letters, items)).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
      message: expect.stringMatching(/^Item 1: /),
    });
    await expect(templatedItems(Letters, [null as never])).rejects.toEqual(refused('Item 0'));
    const Later = defineJob({
      queue: 'mail',
      payload: z.string().refine(async (text) => text === 'known', 'is unknown'),
    });
    const later = ['known', 'known', 'x', 'known'].map((payload) => ({ payload }));
    await expect(templatedItems(Later, later)).rejects.toThrow(/^Item 2: /);
    expect(await templatedItems(Later, later.slice(0, 2))).toMatchObject(later.slice(0, 2));
  });
});

import { expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { QueueHandler } from '../../lib/decorators/queue-handler.decorator.js';
import { handlersAmong } from '../support/an-explored-module.js';

@Injectable()
class Config {
  queue: unknown = 'mail-eu';
}

@QueueHandler((handler: Mailer) => handler.queue(), { maxAttempts: 7 })
class Mailer {
  constructor(private readonly config: Config) {}

  queue(): string {
    return this.config.queue as string;
  }

  process(): void {}

  @HandleJob('welcome')
  welcome(): void {}
}

const named = (queue: unknown) => handlersAmong(Mailer, { provide: Config, useValue: { queue } });
const invalid = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'HANDLER_INVALID', message: expect.stringMatching(message) });

it("a handler says its queue's name from what it has injected, for all its methods", async () => {
  const found = (await named('mail-eu'))
    .all()
    .map(({ queue, name, options }) => [queue, name, options.maxAttempts]);
  expect(found).toEqual([
    ['mail-eu', undefined, 7],
    ['mail-eu', 'welcome', 7],
  ]);
});

it('it may be a pattern', async () => {
  expect((await named('mail-*')).find('mail-us', '')).toMatchObject({ queue: 'mail-*' });
});

it.each([undefined, null, 5, '', 'two words', Promise.resolve('mail-eu')])(
  'the start stops where it says %p',
  async (queue) => {
    await expect(named(queue)).rejects.toEqual(
      invalid(/Mailer .*is set up wrongly:\n- @QueueHandler/),
    );
  },
);

it('the start stops where it throws, and says why', async () => {
  @QueueHandler(() => {
    throw new Error('MAIL_QUEUE is missing');
  })
  class Broken {
    process(): void {}
  }
  await expect(handlersAmong(Broken)).rejects.toEqual(
    invalid(/Broken .*could not compute .*: MAIL_QUEUE is missing/),
  );
});

it('the start stops where there is no instance to ask', async () => {
  @Injectable({ scope: Scope.REQUEST })
  @QueueHandler(() => 'mail')
  class EachJob {
    process(): void {}
  }
  await expect(handlersAmong(EachJob)).rejects.toEqual(
    invalid(/EachJob .*request-scoped\. Make it a singleton/),
  );
});

import type { SimpleQueueOptions } from 'nestjs-simple-queue';

/** What one process of the shop has to know. A class, so that Nest can inject it by its name. */
export abstract class ShopSettings {
  abstract readonly databaseUrl: string;
  /** Where the shop answers; a webhook that is only a path leads there, too. */
  abstract readonly url: string;
  /** Signs the webhooks: who has it can tell the shop from somebody else. */
  abstract readonly webhookSecret: string;
  /** Whether this process works the queues (`true`), or only takes orders and enqueues (`false`). */
  abstract readonly worker: SimpleQueueOptions['worker'];
}

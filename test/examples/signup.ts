import { Injectable } from '@nestjs/common';
import { defineJob, QueueHandler, type Job } from 'nestjs-simple-queue';
import { QueueWorkflows, workflow } from 'nestjs-simple-queue/workflows';
import type { EntityManager } from 'typeorm';

// #region jobs
export interface Tile {
  url: string;
}
export const CreateAccount = defineJob<{ email: string }>()({ queue: 'accounts' });
export const RenderTile = defineJob<{ n: number }, Tile>()({ queue: 'tiles' });
export const SendWelcome = defineJob<{ email: string }>()({ queue: 'mail', name: 'welcome' });
export const Publish = defineJob<{ email: string }>()({ queue: 'pages' });
// #endregion

// #region start
const signup = (email: string, tiles: number) =>
  workflow('signup')
    .step('account', CreateAccount, { email })
    .step('mail', SendWelcome, { email }, { after: 'account' })
    .each(
      'tile',
      RenderTile,
      Array.from({ length: tiles }, (_, n) => ({ n })),
      { after: 'account' },
    )
    .step('page', Publish, { email }, { after: ['mail', 'tile'] })
    .step('alert', 'alarms', { email }, { after: 'tile', when: 'failed' });

@Injectable()
export class Signups {
  constructor(private readonly workflows: QueueWorkflows) {}

  /** The user and the workflow are stored together, or neither is. */
  async start(email: string, manager: EntityManager): Promise<string> {
    await manager.query('insert into users (email) values ($1)', [email]);
    const { id } = await this.workflows.start(signup(email, 3), {
      manager,
      uniqueKey: email,
      deadlineMs: '1 h',
    });
    return id;
  }
}
// #endregion

// #region upstream
@QueueHandler('pages')
export class PublishPage {
  readonly published: string[][] = [];

  constructor(private readonly workflows: QueueWorkflows) {}

  async process(job: Job<{ email: string }>): Promise<void> {
    const { tile = [] } = await this.workflows.upstream<ReturnType<typeof signup>>(job);
    this.published.push(tile.map(({ url }) => url));
  }
}
// #endregion

@QueueHandler('accounts')
export class Accounts {
  process(): { ok: true } {
    return { ok: true };
  }
}

@QueueHandler('tiles')
export class Tiles {
  process(job: Job<{ n: number }>): Tile {
    return { url: `/tiles/${job.payload.n}` };
  }
}

@QueueHandler('mail')
export class Mail {
  process(): void {
    return undefined;
  }
}

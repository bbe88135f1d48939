import { Injectable } from '@nestjs/common';
import { defineJob, Job, JobResult, QueueHandler } from 'nestjs-simple-queue';
import { batch, item, QueueWorkflows, step } from 'nestjs-simple-queue/workflows';
import type { EntityManager } from 'typeorm';

const ImportRow = defineJob<{ row: number }>()({ queue: 'import-rows' });
const TellUser = defineJob<{ user: string }>()({ queue: 'import-done' });
const CallSupport = defineJob<{ user: string }>()({ queue: 'import-failed' });

// #region start
@Injectable()
export class Imports {
  constructor(private readonly workflows: QueueWorkflows) {}

  async start(user: string, rows: number[], manager: EntityManager): Promise<string> {
    const flow = batch(rows.map((row) => item(ImportRow, { row })))
      .onSuccess(TellUser, { user })
      .onFailed(CallSupport, { user });
    const { id } = await this.workflows.start(flow, { manager });
    return id;
  }

  async percent(id: string): Promise<number> {
    const [items] = (await this.workflows.find(id))?.steps ?? [];
    return items ? Math.round((100 * items.done) / Math.max(1, items.jobs)) : 0;
  }
}
// #endregion

// #region then
@QueueHandler('crawl')
export class Crawl {
  async process({ payload }: Job<{ url: string }>): Promise<JobResult<{ pages: number }>> {
    const links = await this.linksIn(payload.url);
    const then = links.map((url) => step('page', 'crawl-page', { url }));
    return JobResult.success({ pages: links.length }, { then });
  }
  // #endregion

  linksIn(url: string): Promise<string[]> {
    return Promise.resolve([`${url}/a`, `${url}/b`]);
  }
}

import { Job, JobContext, QueueHandler, type JobHandler } from 'nestjs-simple-queue';

const PAGES = 5;

@QueueHandler('imports', { maxAttempts: 2 })
export class ImportCatalogue implements JobHandler<{ shop: string }, { pages: number }> {
  readonly fetched: number[] = [];

  async process(job: Job<{ shop: string }>, context: JobContext): Promise<{ pages: number }> {
    // Where an earlier run of this job got to; the first run finds nothing.
    const { page: first } = (job.checkpoint ?? { page: 1 }) as { page: number };
    for (let page = first; page <= PAGES; page++) {
      context.signal.throwIfAborted();
      await this.importPage(job.payload.shop, page);
      // This page is done, which has earned the job another attempt.
      await context.checkpoint({ page: page + 1 }, { extraAttempts: 1 });
    }
    return { pages: PAGES };
  }

  /** The shop's server breaks the connection now and then. */
  protected async importPage(shop: string, page: number): Promise<void> {
    this.fetched.push(page);
    if (this.fetched.length % 2 === 0)
      throw new Error(`${shop} closed the connection at page ${page}.`);
  }
}

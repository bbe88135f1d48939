import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import { QueueError, QueueService, type Enqueued } from 'nestjs-simple-queue';

const MINUTE_MS = 60_000;

@Injectable()
export class SearchIndexService {
  constructor(private readonly queues: QueueService) {}

  // #region replace
  /** Whoever saves a page twice before a worker comes has one job, with the newest text. */
  async index(page: { id: string; text: string }): Promise<Enqueued> {
    return this.queues.enqueue('index', page, {
      uniqueKey: `page:${page.id}`,
      onConflict: 'replace',
    });
  }
  // #endregion

  // #region debounce
  /** Runs once the author has paused for a minute. */
  async suggestTags(pageId: string, text: string): Promise<Enqueued> {
    return this.queues.enqueue(
      'tags',
      { pageId, text },
      { uniqueKey: `tags:${pageId}`, onConflict: 'debounce', periodMs: MINUTE_MS },
    );
  }
  // #endregion

  // #region throttle
  /** At most one count an hour, whoever asks, and however long ago the last one has ended. */
  async recount(): Promise<boolean> {
    const { created } = await this.queues.enqueue(
      'counts',
      {},
      { uniqueKey: 'recount', onConflict: 'throttle', periodMs: 60 * MINUTE_MS },
    );
    return created;
  }
  // #endregion

  // #region full
  /** Rather a clear refusal now than a thumbnail tomorrow. */
  async thumbnail(image: string): Promise<void> {
    try {
      await this.queues.enqueue('thumbnails', { image }, { maxPending: 10_000 });
    } catch (error) {
      if (error instanceof QueueError && error.code === 'QUEUE_FULL')
        throw new ServiceUnavailableException('Try again later.');
      throw error;
    }
  }
  // #endregion
}

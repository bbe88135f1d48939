import { Injectable } from '@nestjs/common';
import { Job, JobContext, QueueHandler, QueueService } from 'nestjs-simple-queue';

interface Price {
  article: string;
  cents: number;
}

// #region handler
@QueueHandler('price-lists')
export class ImportPrices {
  async process(job: Job<{ shop: string; prices: Price[] }>, context: JobContext): Promise<void> {
    const { shop, prices } = job.payload;
    for (const [index, price] of prices.entries()) {
      context.progress({ done: index, of: prices.length, note: price.article });
      await this.store(shop, price);
    }
    context.progress(1);
  }
  // #endregion

  async store(shop: string, { article, cents }: Price): Promise<void> {
    await Promise.resolve([shop, article, cents]);
  }
}

@Injectable()
export class PriceLists {
  constructor(private readonly queues: QueueService) {}

  // #region find
  /** For a page that asks again and again. */
  async status(
    id: string,
  ): Promise<{ state: string; percent: number | undefined; note: string | undefined }> {
    const { state = 'unknown', progress } = (await this.queues.find(id)) ?? {};
    const { share, note } = progress ?? {};
    return { state, percent: share && Math.round(share * 100), note };
  }
  // #endregion

  // #region wait
  /** For a stream of server-sent events, or a socket. */
  async follow(id: string, send: (percent: number) => void): Promise<string> {
    const end = await this.queues.wait(id, {
      timeoutMs: '10 min',
      onProgress: ({ share = 0 }) => send(Math.round(share * 100)),
    });
    return end.state;
  }
  // #endregion
}

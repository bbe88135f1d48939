import {
  exponential,
  JobContext,
  Job,
  QueueHandler,
  UnprocessableError,
  type JobHandler,
} from 'nestjs-simple-queue';
import type { WebhookJob } from '../jobs.js';
import { ShopSettings } from '../shop.settings.js';
import { sign } from './signature.js';

interface Delivered {
  status: number;
}

/** Answers below 500 that may be different next time: a timeout, and too many requests. */
const PASSING = [408, 429];

/**
 * Tells the customer's server about the receipt. A server that fails or is silent gets four attempts, half a second, one and two
 * seconds apart; then the job rests in the dead letter queue with the history of its errors.
 */
@QueueHandler('webhooks', {
  concurrency: 20,
  maxAttempts: 4,
  backoff: exponential({ baseMs: 500, maxMs: 60_000 }),
  timeoutMs: 2_000,
})
export class DeliverWebhook implements JobHandler<WebhookJob, Delivered> {
  constructor(private readonly settings: ShopSettings) {}

  async process(job: Job<WebhookJob>, context: JobContext): Promise<Delivered> {
    const url = new URL(job.payload.url, this.settings.url);
    // The signal aborts the request on a timeout, on a cancel, and when a shutdown has waited long enough.
    const { ok, status, body } = await fetch(url, {
      ...this.requestFor(job),
      redirect: 'error',
      signal: context.signal,
    });
    await body?.cancel();
    if (ok) return { status };
    if (status < 500 && !PASSING.includes(status))
      throw new UnprocessableError(`${url.pathname} answered ${status}: not again.`);
    throw new Error(`${url.pathname} answered ${status}.`);
  }

  /** Deliveries are at least once: the job's id lets the receiver recognise a repeated one. */
  private requestFor(job: Job<WebhookJob>): RequestInit {
    const { orderId } = job.payload;
    const body = JSON.stringify({
      event: 'receipt.written',
      orderId,
      receipt: `${this.settings.url}/orders/${orderId}/receipt`,
    });
    const headers = {
      'content-type': 'application/json',
      'webhook-id': job.id,
      'webhook-attempt': String(job.attempt),
      'webhook-signature': sign(body, this.settings.webhookSecret),
    };
    return { method: 'POST', headers, body };
  }
}

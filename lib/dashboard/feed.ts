import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { outside } from '../runtime/outside.js';
import { HEADERS } from './answer.js';

/** One look for all, however many tabs are open. */
const LOOK_MS = 2_000;
/** Where all of them look at something else, each change costs as many looks: changes are reported more rarely then. */
const MOST_STATEMENTS_PER_SECOND = 3;
const MAX_REST_MS = 15_000;

/** Until the next look, after a round of so many statements. */
export const restAfter = (statements: number): number =>
  Math.min(Math.max(LOOK_MS, (statements / MOST_STATEMENTS_PER_SECOND) * 1_000), MAX_REST_MS);

/** Then a stream begins again: who may no longer look is refused then. */
const STREAM_MS = 300_000;
const MOST_STREAMS = 200;
/** Somebody who takes nothing any more. */
const MOST_UNSENT = 64 * 1024;

/**
 * Says "version n" to everybody who looks on, another one whenever something has changed; the page asks for what it shows then. It looks
 * only while somebody listens. Durations that only grow are no change.
 */
export class Feed {
  private readonly streams = new Map<ServerResponse, number>();
  private timer: NodeJS.Timeout | undefined;
  private seen = '';
  private version = Date.now();
  private closed = false;
  /** Since the last round. */
  private statements = 0;

  constructor(private readonly look: () => Promise<unknown>) {}

  get isFull(): boolean {
    return this.closed || this.streams.size >= MOST_STREAMS;
  }

  add(response: ServerResponse): void {
    const headers = {
      ...HEADERS,
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    };
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.on('error', () => undefined);
    response.on('close', () => this.drop(response));
    response.write(`retry: 3000\n${this.message()}`);
    this.streams.set(response, performance.now());
    if (this.timer) return;
    this.statements = 0;
    outside(() => this.rest());
  }

  /** Before the server closes: it would wait for them. */
  close(): void {
    this.closed = true;
    for (const response of this.streams.keys()) this.drop(response);
  }

  /** The database is asked, for whoever looks on. */
  count(statements: number): void {
    this.statements += statements;
  }

  /** What somebody has done here is seen at once. */
  hurry(): void {
    if (this.timer) this.tell();
  }

  private drop(response: ServerResponse): void {
    this.streams.delete(response);
    response.end();
    if (this.streams.size > 0) return;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private rest(): void {
    this.timer = setTimeout(() => void this.round(), restAfter(this.statements)).unref();
    this.statements = 0;
  }

  private async round(): Promise<void> {
    const { timer } = this;
    const seen = await this.look().then(digest, (error: Error) => `failed: ${error.message}`);
    for (const [response, since] of this.streams)
      if (performance.now() - since > STREAM_MS || response.writableLength > MOST_UNSENT)
        this.drop(response);
    if (seen === this.seen) for (const response of this.streams.keys()) response.write(':\n\n');
    else this.tell();
    this.seen = seen;
    // All may have gone meanwhile, and others come, who began to look themselves.
    if (this.streams.size > 0 && timer === this.timer) this.rest();
  }

  private tell(): void {
    this.version++;
    for (const response of this.streams.keys()) response.write(this.message());
  }

  private message(): string {
    return `event: version\ndata: ${this.version}\n\n`;
  }
}

/** Texts of troubles say how long they have lasted. */
const digest = (seen: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(seen, (key, value: unknown) => (/Ms$|^text$/.test(key) ? 0 : value)))
    .digest('base64');

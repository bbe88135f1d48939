import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { outside } from '../runtime/outside.js';
import { HEADERS } from './answer.js';

/** One look for all, however many tabs are open. */
const LOOK_MS = 2_000;
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
    if (!this.timer) outside(() => this.rest());
  }

  /** Before the server closes: it would wait for them. */
  close(): void {
    this.closed = true;
    for (const response of this.streams.keys()) this.drop(response);
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
    this.timer = setTimeout(() => void this.round(), LOOK_MS).unref();
  }

  private async round(): Promise<void> {
    const seen = await this.look().then(digest, (error: Error) => `failed: ${error.message}`);
    for (const [response, since] of this.streams)
      if (performance.now() - since > STREAM_MS || response.writableLength > MOST_UNSENT)
        this.drop(response);
    if (seen === this.seen) for (const response of this.streams.keys()) response.write(':\n\n');
    else this.tell();
    this.seen = seen;
    if (this.streams.size > 0) this.rest();
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

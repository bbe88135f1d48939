import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { QueueError } from '../../job/queue.errors.js';

/** A request, whatever server took it. */
export interface Asked {
  /** As the server that took it got it, with its query. */
  url: URL;
  headers: IncomingHttpHeaders;
  remoteAddress: string | undefined;
  /** What the application's `access` and `actor` are given: the request of its framework. */
  native: unknown;
  /** What was sent: as the framework has parsed it, or read here. */
  body(): Promise<unknown>;
}

/** Of both frameworks, and of a plain server: what a request has. */
interface NativeRequest {
  raw?: IncomingMessage;
  originalUrl?: string;
  body?: unknown;
}

/** Beyond what any action says, and above the largest payload that an application allows by default. */
const MAX_BODY = 2 * 1024 * 1024;

export function askedOf(native: unknown): Asked {
  const request = native as NativeRequest & IncomingMessage;
  const raw = request.raw ?? request;
  return {
    url: urlOf(request.originalUrl ?? raw.url ?? '/'),
    headers: raw.headers,
    remoteAddress: raw.socket.remoteAddress,
    native,
    body: async () => parsed(request.body ?? (await read(raw))),
  };
}

/** Two slashes at its begin would make a host of the first part. */
function urlOf(text: string): URL {
  const path = text.replace(/^\/+/, '/');
  return new URL(URL.canParse(path, 'http://dashboard') ? path : '/', 'http://dashboard');
}

function parsed(body: unknown): unknown {
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return body;
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    throw new QueueError('INVALID_OPTION', 'The body of the request is not JSON.');
  }
}

async function read(raw: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (!raw.readableEnded)
    for await (const chunk of raw) {
      size += (chunk as Buffer).length;
      if (size > MAX_BODY)
        throw new QueueError(
          'PAYLOAD_TOO_LARGE',
          `The body of the request has more than ${MAX_BODY.toLocaleString('en-US')} bytes.`,
        );
      chunks.push(chunk as Buffer);
    }
  return Buffer.concat(chunks);
}

import { gzipSync } from 'node:zlib';
import type { ServerResponse } from 'node:http';
import type { Asked } from './access/asked.js';

/** What is sent back. */
export interface Answer {
  status: number;
  type: string;
  body: string | Buffer;
  headers?: Record<string, string>;
}

/** Nothing from elsewhere, nothing inline, in no frame. */
const POLICY = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self' data:`,
  `connect-src 'self'`,
  `base-uri 'none'`,
  `form-action 'self'`,
  `frame-ancestors 'none'`,
].join('; ');

export const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store, no-transform',
};

const WORTH_ZIPPING = 1_024;

export const json = (value: unknown, status = 200): Answer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(value),
});

/** Past whatever the application does to what handlers return: global interceptors would wrap it, serializers change it. */
export function send(answer: Answer, asked: Asked, response: ServerResponse): void {
  if (response.headersSent || response.destroyed) return;
  // Somebody who has gone is no error of the application.
  response.on('error', () => undefined);
  const zipped = zip(answer, asked);
  const headers = {
    ...HEADERS,
    'content-type': answer.type,
    ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    vary: 'accept-encoding',
    ...answer.headers,
    'content-length': (zipped ?? Buffer.from(answer.body)).length,
  };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.statusCode = answer.status;
  response.end(zipped ?? answer.body);
}

function zip({ body }: Answer, { headers }: Asked): Buffer | undefined {
  const accepted = /\bgzip\b/.test(String(headers['accept-encoding']));
  return accepted && body.length >= WORTH_ZIPPING ? gzipSync(body) : undefined;
}

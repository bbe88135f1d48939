import { createHmac, timingSafeEqual } from 'node:crypto';

const VALID_FOR_MS = 5 * 60 * 1_000;

/** `t=<milliseconds>,v1=<hex>`: the time is signed, too, so that nobody can send a recorded request again later. */
export function sign(body: string, secret: string, now = Date.now()): string {
  return `t=${now},v1=${digest(`${now}.${body}`, secret)}`;
}

/** What the receiver does: it believes nothing but what the secret proves. */
export function isSigned(
  body: string,
  signature: string | undefined,
  secret: string,
  now = Date.now(),
): boolean {
  const [, at, given] = /^t=(\d{1,15}),v1=([0-9a-f]{64})$/.exec(signature ?? '') ?? [];
  if (!at || !given || Math.abs(now - Number(at)) > VALID_FOR_MS) return false;
  return timingSafeEqual(Buffer.from(given), Buffer.from(digest(`${at}.${body}`, secret)));
}

function digest(text: string, secret: string): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}

import { randomBytes } from 'node:crypto';

/** What job n carries: its number, and with `settings.payloadBytes` a text of this length that no compression shortens. */
export function payloadOf({ payloadBytes = 0 }) {
  if (payloadBytes === 0) return (n) => ({ n });
  const text = randomBytes(payloadBytes).toString('base64').slice(0, payloadBytes);
  return (n) => ({ n, text });
}

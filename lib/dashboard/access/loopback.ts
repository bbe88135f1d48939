import type { Asked } from './asked.js';

const ADDRESS = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/;
const HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;
/** A proxy on this machine speaks for anybody. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/**
 * Somebody at this very machine, who typed its name: the connection comes from it, no proxy passed it on, and a name that leads here by a
 * foreign DNS server (DNS rebinding) is none of it.
 */
export function isLoopback({ remoteAddress, headers }: Asked): boolean {
  return (
    ADDRESS.test(remoteAddress ?? '') &&
    HOST.test(headers.host ?? '') &&
    FORWARDED.every((name) => headers[name] === undefined)
  );
}

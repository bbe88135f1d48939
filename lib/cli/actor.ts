import { userInfo } from 'node:os';
import type { SharedFlags } from './shared-flags.js';

/** A container may run as a number that has no name. */
export function actorOf({ actor }: Pick<SharedFlags, 'actor'>): string {
  if (actor !== undefined) return actor;
  try {
    return userInfo().username || 'somebody';
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}

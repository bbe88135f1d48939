import { QueueError } from '../job/queue.errors.js';

const OLDEST = 7;

/**
 * Refuses a server that cannot run the scripts, or drops jobs when it is full.
 * @param info What INFO says.
 * @param foreign A key that belongs to somebody else, or ''.
 * @returns What may lose jobs, and is allowed.
 */
export function checkServer(info: string, foreign: string): string[] {
  const said = new Map(
    info.split('\r\n').map((line) => line.split(':', 2) as [string, string | undefined]),
  );
  const version = said.get('redis_version') ?? 'unknown';
  // Valkey says the version of Redis that it is compatible with.
  if (!(parseInt(version) >= OLDEST)) throw tooOld(version);
  const policy = said.get('maxmemory_policy');
  if (policy !== 'noeviction')
    throw new QueueError(
      'INVALID_OPTION',
      `RedisJobQueue does not start where maxmemory-policy is ${policy}: a full server would drop jobs. Set it to noeviction.`,
    );
  if (foreign)
    throw new QueueError(
      'INVALID_OPTION',
      `RedisJobQueue does not start: the key ${foreign} is not its own, or of another version. Give it a prefix that nothing else uses.`,
    );
  if (said.get('aof_enabled') === '1') return [];
  return [
    'Redis keeps no append-only file: a restart loses jobs. Set appendonly to yes, or live with it.',
  ];
}

/** Redis 6 does not even read the first line of a script, so it never says its version. */
export const readsNoScript = ({ message }: Error): boolean =>
  message.includes("unexpected symbol near '#'");

export const tooOld = (version: string): QueueError =>
  new QueueError(
    'INVALID_OPTION',
    `RedisJobQueue needs Redis ${OLDEST} or later, or Valkey, and this server is Redis ${version}. Upgrade it.`,
  );

import { createHash } from 'node:crypto';
import { checkText } from '../enqueue/new-job.js';
import { failureOf } from '../job/failure.js';
import { QueueError, type QueueErrorCode } from '../job/queue.errors.js';
import { LATE, within } from '../runtime/within.js';
import type { RedisClient } from './redis-client.js';

/** It does so later: it is loading, or between two masters, or the connection's password is not that of the server. */
const LATER =
  /^(LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|NOREPLICAS|NOAUTH|WRONGPASS|ERR Protocol error) ?/;

/** Runs the scripts of one prefix: each by its digest, sent whole where the server does not have it (any more). */
export class RedisScripts {
  private readonly keys: string[];
  private readonly runner: ReturnType<RedisClient['withCommandOptions']>;
  private readonly digests = new Map<string, string>();
  private broken: Error | undefined;

  constructor(
    private readonly client: RedisClient,
    prefix: string | undefined,
    private readonly timeoutMs: number,
  ) {
    this.keys = [`{${checkPrefix(prefix)}}:`];
    // What could not be sent in time is not sent later: a claim that nobody waits for would hold its jobs.
    this.runner = checkClient(client).withCommandOptions({ timeout: timeoutMs });
    client.on('error', this.hear);
  }

  get channel(): string {
    return `${this.keys[0]}wake`;
  }

  /** @throws QueueError `DATABASE_UNAVAILABLE`, `DATABASE_READ_ONLY`, `DATABASE_ERROR`. */
  async run<Reply>(script: string, ...args: (string | number)[]): Promise<Reply> {
    const call = { keys: this.keys, arguments: args.map(String) };
    try {
      const reply = await within(this.send(script, call), this.timeoutMs);
      if (reply === LATE) throw new Error(`no reply within ${this.timeoutMs} ms`);
      this.broken = undefined;
      return reply as Reply;
    } catch (error) {
      throw this.errorFor(error);
    }
  }

  close(): void {
    this.client.off('error', this.hear);
  }

  private async send(
    script: string,
    call: { keys: string[]; arguments: string[] },
  ): Promise<unknown> {
    try {
      return await this.runner.evalSha(this.digestOf(script), call);
    } catch (error) {
      if (!failureOf(error).message.startsWith('NOSCRIPT')) throw error;
      return this.runner.eval(script, call);
    }
  }

  private digestOf(script: string): string {
    const known = this.digests.get(script) ?? createHash('sha1').update(script).digest('hex');
    this.digests.set(script, known);
    return known;
  }

  /** Why a connection is not there is reported here alone; without a listener it would end the process. */
  private readonly hear = (error: Error): void => void (this.broken = error);

  private errorFor(cause: unknown): QueueError {
    const { message } = failureOf(cause);
    const code = codeOf(message);
    const why =
      code === 'DATABASE_UNAVAILABLE' && this.broken
        ? `${message} (its connection: ${failureOf(this.broken).message})`
        : message;
    return new QueueError(code, `Redis, keys ${this.keys[0]}*: ${why}. ${ADVICE[code]}`, { cause });
  }
}

type RedisErrorCode = Extract<
  QueueErrorCode,
  'DATABASE_UNAVAILABLE' | 'DATABASE_READ_ONLY' | 'DATABASE_ERROR'
>;

const ADVICE: Record<RedisErrorCode, string> = {
  DATABASE_UNAVAILABLE:
    'Whether the call was done is unknown. Repeat it when the server is there: by the id of its job, or its lease, nothing is done twice.',
  DATABASE_READ_ONLY:
    'The server is a replica. Connect to the master, by createSentinel or createCluster.',
  DATABASE_ERROR: 'The server refused it. Put right what it says, then repeat the call.',
};

/** Replies of a server begin with a word in capitals; all else is the connection's. */
function codeOf(message: string): RedisErrorCode {
  if (message.startsWith('READONLY')) return 'DATABASE_READ_ONLY';
  return LATER.test(message) || !/^[A-Z]{2,} /.test(message)
    ? 'DATABASE_UNAVAILABLE'
    : 'DATABASE_ERROR';
}

/** npm lets 3 and 4 in, since old TypeORM does. */
function checkClient(client: RedisClient): RedisClient {
  if (typeof (client as Partial<RedisClient> | null)?.withCommandOptions === 'function')
    return client;
  throw new QueueError(
    'INVALID_OPTION',
    'RedisJobQueue: client has to be of node-redis 5.6 or later.',
  );
}

/** In braces it is the hash tag, which ends at the first one. */
function checkPrefix(prefix = 'simple-queue'): string {
  if (!/[{}]/.test(checkText('prefix', prefix, 'RedisJobQueue'))) return prefix;
  throw new QueueError('INVALID_OPTION', 'RedisJobQueue: prefix must not contain { or }.');
}

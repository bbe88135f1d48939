import { setTimeout as rest } from 'node:timers/promises';
import { DatabaseError } from './database-errors.js';

/** As long as an orchestrator waits for a start, and longer than any client of a pool keeps a connection that it does not use. */
const START_PATIENCE_MS = 60_000;
/** Jittered, so that a fleet that starts at once does not ask in step. */
const MOST_REST_MS = 1_000;

/** Tells a person what is amiss. */
export type Warn = (warning: { code: string; message: string }) => void;

interface Patience {
  warn?: Warn | undefined;
  /** Whoever wanted the start wants it no more. */
  over?: AbortSignal | undefined;
  patienceMs?: number;
}

/**
 * For a start, whose application has reached the database before: where nobody serves it now (a failover, also one that still only reads, no
 * connection left), it is tried again for a while. What the server refuses is refused at once.
 */
export async function untilServed<T>(
  work: () => Promise<T>,
  { warn, over, patienceMs = START_PATIENCE_MS }: Patience = {},
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  const isUp = (): boolean => over?.aborted === true || performance.now() >= deadline;
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (!isUnserved(error) || isUp()) throw error;
      if (tries === 1) warn?.(waits(error));
      const restMs = MOST_REST_MS * (0.5 + 0.5 * Math.random());
      await rest(restMs, undefined, { signal: over }).catch(() => undefined);
    }
  }
}

/** A step of a start. A command line has the time that it was given, and no application's DataSource. */
export const inStart = <T>(
  dataSource: object,
  work: () => Promise<T>,
  patience?: Patience,
): Promise<T> => ('query' in dataSource ? untilServed(work, patience) : work());

const waits = ({ message, code }: DatabaseError): Parameters<Warn>[0] => ({
  code: 'START_WAITS',
  message: `The start waits for ${code === 'DATABASE_READ_ONLY' ? 'a server that writes' : 'the database'}, up to a minute. ${message}`,
});

const isUnserved = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && (error.isBlocked || error.isCrowded || error.isAway);

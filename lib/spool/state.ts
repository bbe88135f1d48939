import type { AsideState } from './aside.js';

/** Nothing was written. */
export class SpoolRefusal extends Error {}

export interface SpoolSettings {
  folder: string;
  maxBytes: number;
  /** Names the tables that the jobs are for. */
  database: string;
  /** A process that was silent for this long counts as dead. */
  staleMs: number;
  warn: (warning: { code: string; message: string }) => void;
}

/** What a spool holds. */
export interface SpoolState {
  folder: string;
  /** Acknowledged and not in the database yet: of this process, and of dead ones whose part it has taken over. */
  jobs: number;
  bytes: number;
  maxBytes: number;
  aside: AsideState;
  /** Folders in the same place that belong to another database, have another format, or cannot be read. */
  refused: number;
}

/** A segment to be replayed. */
export interface HeldSegment {
  path: string;
  jobs: number;
  bytes: number;
  /** Written by this very process: its later calls go behind it. */
  isOwn: boolean;
  /** All of it is in the database or aside: it only has to be deleted. */
  isDone?: boolean;
}

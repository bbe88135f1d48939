import type { AnyTemplate } from '../job/job-template.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Trouble } from '../job/trouble.js';
import type { Diagnosis, SchemaState, ServerState } from '../storage/diagnosis/diagnosis.js';
import type { PartitionRepository } from '../storage/schema/partition.repository.js';
import type { Handler } from '../handlers/handler-registry.js';
import type { FindingCode, Observation } from './finding.js';

/** The handlers of this build, as a doctor sees them. */
export interface KnownHandlers {
  all(): Handler[];
  find(queue: string, name: string): Handler | undefined;
}

/** What the checks of one examination share. */
export interface Examination {
  diagnosis: Diagnosis;
  options: ResolvedOptions;
  partitions: PartitionRepository;
  /** What waits for a person; counted once for all who ask. */
  troubles: () => Promise<Trouble[]>;
  server: ServerState;
  schema: SchemaState;
  /** Milliseconds that the clock of this process is ahead of the server's, and by how much that may be wrong. */
  clock: { aheadMs: number; giveMs: number };
  /** undefined: none are known here, as on the command line. */
  handlers?: KnownHandlers;
  templates: readonly AnyTemplate[];
  /** From here on a transaction counts as long. */
  longTransactionMs: number;
  timeoutMs: number;
}

/** One look at one thing. Nothing observed means that there was nothing to look at. */
export interface Check {
  code: FindingCode;
  /** Ends "... could not be examined". */
  subject: string;
  /** It reads tables of ours, which may not be there. */
  needsTables?: true;
  look: (examination: Examination) => Promise<Observation[]>;
}

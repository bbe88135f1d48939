import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Storage } from '../storage/storage.js';
import type { KnownHandlers } from './check.js';
import type { ExamineOptions } from './examine-options.js';
import type { Finding } from './finding.js';

/**
 * Looks for what makes queues slow, stuck or unsafe, and says what to do. It changes nothing, and does with an ordinary role. What it may
 * not see or what takes too long is a finding, too, and stops nothing else.
 */
export class QueueDoctor {
  /** @internal The module makes it. */
  constructor(
    private readonly storage: Storage,
    private readonly options: ResolvedOptions,
    /** Of this build; left out where none are known, as on the command line. */
    private readonly handlers?: KnownHandlers,
  ) {}

  /** All findings, the worst first; a check with nothing to report has one of level `ok`, or none. @throws QueueError `INVALID_OPTION`. */
  async examine(given: ExamineOptions = {}): Promise<Finding[]> {
    const { examine } = await import('./examine.js');
    return examine(
      { storage: this.storage, options: this.options, handlers: this.handlers },
      given,
    );
  }
}

import type { QueueEvents } from '../observability/events.js';
import type { Retention } from '../storage/retention.js';
import type { StagedRepository } from '../storage/staged.repository.js';

export interface ExpirerParts {
  staged: StagedRepository;
  deadLetter: Retention;
  events: QueueEvents;
  /** Turns of ordered groups became vacant. */
  onVacant: () => void;
}

const FULL_BATCH = 500;
/** What is being committed or aborted right now was skipped. */
const SKIPPED_REST_MS = 200;

/** Ends staged jobs that nobody committed in their time. */
export class Expirer {
  constructor(private readonly parts: ExpirerParts) {}

  async expire(): Promise<number> {
    const { due, expired } = await this.parts.staged.expire(this.parts.deadLetter);
    if (expired > 0) {
      this.parts.onVacant();
      this.parts.events.emit('expired', () => ({ jobs: expired }));
    }
    if (due === FULL_BATCH) return 0;
    return due > expired ? SKIPPED_REST_MS : Infinity;
  }
}

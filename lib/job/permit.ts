import { knownAcrossCopies } from './kinds.js';

/**
 * What a handler's `acquire` gives to let a job run: released when the job has ended, however it ended.
 *
 * Decorated methods can name the class.
 */
export class Permit {
  /** A permit that bounds nothing. */
  static readonly free = new Permit(() => undefined);

  private released = false;

  constructor(private readonly onRelease: () => unknown) {}

  /** Gives the permit back; the second call does nothing. */
  release(): unknown {
    if (this.released || this === Permit.free) return undefined;
    this.released = true;
    return this.onRelease();
  }
}

knownAcrossCopies(Permit, 'permit');

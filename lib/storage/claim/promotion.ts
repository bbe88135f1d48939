/** What a round of the schedule has moved, and what else its statement told. */
export interface Promotion {
  promoted: number;
  lanes: number[];
  /** Some of these were of fair queues. */
  movedFair: boolean;
  /** Some of these run apart. Only the next look sees them there. */
  movedSuspects?: boolean;
  until: string | null;
  nextMs: number | null;
  /** Another number than before: there are other lanes. */
  registry: number;
  /** Suspects that run apart wait in the asked lanes, and such that run alone. */
  suspects: boolean;
  lone: boolean;
  pausedQueues: number[];
  /** Their ends are stored as jobs of other queues. */
  outcomeQueues: number[];
  /** Another number than before: a limit across the fleet has come, gone, or changed. */
  limits: number;
  /** Of the asked lanes those with jobs of fair queues. */
  fair: number[];
  /** Turns of ordered groups wait to be handed on. */
  vacant: boolean;
  /** Something of workflows has to be looked at. */
  arrived: boolean;
  /** When the next key is to be looked at; null: none. */
  keyMs: number | null;
  /** Some of the moved jobs wait for a permit of their key. */
  movedKeyed: boolean;
  /** When the next staged job expires; null: none is staged. */
  expiryMs: number | null;
  /** When the next schedule is due; 0 and less: now, or ticks wait for the end of earlier jobs; null: there is none. */
  tickMs: number | null;
}

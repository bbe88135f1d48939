import type { Attributes } from '@opentelemetry/api';
import { ATTRIBUTE, FewNames, SYSTEM } from './names.js';
import { Tally } from './tally.js';

/** The tallies of all queues. Beyond this many, queues count as one: names that are made at run time must not flood a metrics store. */
const MOST_QUEUES = 200;

export class Tallies {
  private readonly byLabel = new Map<string, Tally>();
  private readonly names = new FewNames(MOST_QUEUES);
  private lastQueue: string | undefined;
  private last: Tally | undefined;

  constructor(private readonly instance: string) {}

  /** Jobs come in runs of one queue, so the last one is most often meant again. */
  of(queue: string): Tally {
    if (queue === this.lastQueue) return this.last!;
    this.lastQueue = queue;
    return (this.last = this.labelled(this.names.of(queue)));
  }

  all(): Iterable<Tally> {
    return this.byLabel.values();
  }

  /** Of no queue: what one statement or one loop does for all. */
  get attributes(): Attributes {
    return {
      [ATTRIBUTE.system]: SYSTEM,
      ...(this.instance === 'default' ? {} : { [ATTRIBUTE.instance]: this.instance }),
    };
  }

  private labelled(label: string): Tally {
    let tally = this.byLabel.get(label);
    if (!tally)
      this.byLabel.set(
        label,
        (tally = new Tally({ ...this.attributes, [ATTRIBUTE.queue]: label })),
      );
    return tally;
  }
}

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

  /** By label: the numbers of queues that count as one are added up, but for `largest`, of which the largest counts: an exporter keeps the last one. */
  folded<Row extends { queue: string }>(rows: readonly Row[], largest?: keyof Row): [Tally, Row][] {
    const folded = new Map<Tally, Row>();
    for (const row of rows) {
      const tally = this.of(row.queue);
      const sum: Record<string, unknown> = { ...folded.get(tally) };
      for (const [name, value] of Object.entries<unknown>(row)) {
        const before = Number(sum[name] ?? 0);
        if (typeof value !== 'number') sum[name] = value;
        else sum[name] = name === largest ? Math.max(before, value) : before + value;
      }
      folded.set(tally, sum as Row);
    }
    return [...folded];
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

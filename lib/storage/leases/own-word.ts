import type { ByQueue, EndPolicy } from '../../options/queue-policy.js';
import { listed } from '../../runtime/words.js';
import type { Warn } from '../connection/until-served.js';

/** What the database replies to a worker's word on ends. */
export interface Reply {
  /** When this process first said something, by the database's clock, in seconds. */
  by: number;
  /** Queues for which a younger process says otherwise, with its word. */
  overruled: { queue: string; policy: EndPolicy }[] | null;
}

/** What this process says of the ends of jobs, beside younger ones; docs/adr/0060-what-workers-say-of-ends.md. */
export class OwnWord {
  /** Null: it has said nothing yet. */
  by: number | null = null;
  private readonly told = new Map<string, string>();

  constructor(private readonly warn: Warn = () => undefined) {}

  hear({ by, overruled }: Reply, policies: ByQueue<EndPolicy> | undefined): void {
    this.by = Math.max(by, this.by ?? 0);
    const news = (overruled ?? []).filter(({ queue, policy }) => {
      const word = JSON.stringify(policy);
      return this.told.get(queue) !== word && this.told.set(queue, word);
    });
    if (!policies || news.length === 0) return;
    const which = news.map(({ queue, policy }) => {
      const own = policies[Object.hasOwn(policies, queue) ? queue : '']!;
      return `"${queue}" (${differences(policy, own)})`;
    });
    const message = `Processes that started later say otherwise how jobs end in ${listed(which, 3)}. Theirs holds where no run ends a job: for dead workers, cancels, spools; 3 minutes after the last of them has stopped that of this process holds again. A rolling deploy needs nothing; otherwise give all workers of a queue the same options.`;
    this.warn({ code: 'POLICY_DIFFERS', message });
  }
}

function differences(there: EndPolicy, here: EndPolicy): string {
  const names = (Object.keys(here) as (keyof EndPolicy)[]).filter(
    (name) => there[name] !== here[name],
  );
  return names
    .map((name) => `${name} ${there[name] ?? false}, here ${here[name] ?? false}`)
    .join('; ');
}

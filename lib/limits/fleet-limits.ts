import { ruleText, ruleWords, type DeclaredLimit } from '../job/limit.js';
import { QueueError } from '../job/queue.errors.js';
import type { QueueEventBus } from '../observability/events.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { wordsOf } from '../storage/limits/limit-words.js';
import type { LimitRow } from '../storage/limits/limit.repository.js';
import type { Storage } from '../storage/storage.js';
import { declaredLimits } from './declared-limits.js';
import { command, type Called } from '../runtime/words.js';

interface FleetLimitsParts {
  storage: Pick<Storage, 'database' | 'limits' | 'signals'>;
  options: Pick<ResolvedOptions, 'queues' | 'limits'>;
  events: QueueEventBus;
}

/** `said`: the text by which it is compared, made once: it is asked for with each look. */
type Declared = DeclaredLimit & { readonly said: string };

/** The limits of the fleet as the database has them, and what this process has declared of them. */
export class FleetLimits {
  private readonly declared: ReadonlyMap<string, Declared>;
  private rows: ReadonlyMap<string, LimitRow> = new Map();
  private readAt = 0;
  /** By name, the rule that was said to differ. */
  private readonly told = new Map<string, string>();

  constructor(private readonly parts: FleetLimitsParts) {
    const limits = declaredLimits(parts.options);
    this.declared = new Map(limits.map((each) => [each.name, { ...each, said: ruleText(each) }]));
  }

  get declaresAny(): boolean {
    return this.declared.size > 0;
  }

  /** The sum of their versions, as the promoter sees it: another one, and something has changed. */
  get version(): number {
    return [...this.rows.values()].reduce((sum, { version }) => sum + version, 0);
  }

  all(): LimitRow[] {
    return [...this.rows.values()];
  }

  get(name: string): LimitRow | undefined {
    return this.rows.get(name);
  }

  /** Those that the jobs of a queue obey where these are used: a queue's and a named one may have one name. What says nothing holds as long as it rests. */
  of(queue: string, uses: readonly string[]): LimitRow[] {
    const sinceMs = performance.now() - this.readAt;
    return [queue, ...new Set(uses)].flatMap((name, place) => {
      const row = this.rows.get(name);
      if (!row || row.ofQueue !== (place === 0)) return [];
      return saysNothing(row) && row.heldMs <= sinceMs ? [] : [row];
    });
  }

  /** What this process says of it, as it is compared; null: nothing. */
  declares(name: string): string | null {
    return this.declared.get(name)?.said ?? null;
  }

  /**
   * Creates what nobody has declared before, and reads them all. `leaseOf`: of a share that this process has.
   * @throws QueueError `LIMIT_NAME_TAKEN`.
   */
  async declare(leaseOf: string | undefined): Promise<void> {
    await this.read();
    for (const limit of this.declared.values()) refuseTaken(limit, this.rows.get(limit.name));
    const { limits, signals } = this.parts.storage;
    for (const limit of this.declared.values())
      if (await limits.declare(limit, leaseOf)) signals.tellOfLimit(limit.name, { isRule: true });
    await this.compareAll();
  }

  /** Says where the database has another word, and creates nothing. @throws QueueError `LIMIT_NAME_TAKEN`. */
  async compareAll(): Promise<void> {
    await this.read();
    for (const limit of this.declared.values()) this.compare(limit, this.rows.get(limit.name));
  }

  async read(): Promise<void> {
    this.rows = new Map((await this.parts.storage.limits.all()).map((row) => [row.name, row]));
    this.readAt = performance.now();
  }

  /** Its handler has said so; a limit of the other kind has its name. */
  cannotRest(name: string): void {
    if (this.told.get(name) === TAKEN) return;
    this.told.set(name, TAKEN);
    this.parts.events.emit('warning', () => ({ code: 'LIMIT_NAME_TAKEN', message: `"${name}" was told to slow down and does not rest, since a queue and a named limit have this name. Rename one of them.` })); // prettier-ignore
  }

  /** Another process has declared it otherwise, and still shares in it: what it says may change when that one is gone. */
  get isContradicted(): boolean {
    for (const { name, said } of this.declared.values()) {
      const row = this.rows.get(name);
      if (row === undefined || (row.setAt === null && row.rule !== said)) return true;
    }
    return false;
  }

  /** Somebody has removed what this process declares: it has to be said again. */
  get hasLost(): boolean {
    return [...this.declared.keys()].some((name) => !this.rows.has(name));
  }

  private compare(limit: Declared, row: LimitRow | undefined): void {
    if (!row) return;
    refuseTaken(limit, row);
    if (row.rule === limit.said || this.told.get(limit.name) === row.rule) return;
    this.told.set(limit.name, row.rule);
    this.parts.events.emit('warning', () => ({
      code: 'LIMIT_DIFFERS',
      message: differing(limit, row, this.parts.storage.database.called),
    }));
  }
}

const TAKEN = 'taken';

/** As a queue without a limit that was told to slow down. */
export const saysNothing = ({ rule }: LimitRow): boolean => rule === '{}';

/** Before any of them is written. */
function refuseTaken({ name, ofQueue }: DeclaredLimit, row: LimitRow | undefined): void {
  if (!row || row.ofQueue === ofQueue || (saysNothing(row) && !row.setAt)) return;
  const [here, there] = ofQueue ? ['queue', 'limit of that name'] : ['limit', 'queue of that name'];
  throw new QueueError(
    'LIMIT_NAME_TAKEN',
    `The ${here} "${name}" cannot be limited: another process limits the ${there}. Limits of queues and named ones share their names; rename one of them.`,
  );
}

function differing(limit: DeclaredLimit, row: LimitRow, called: Called): string {
  const words = `Limit "${row.name}" is ${wordsOf(row)}, and this process declares ${ruleWords(limit)}. The database's word holds`;
  if (row.setAt)
    return `${words}: an operator has set it. Set it again with QueueAdmin.setLimit or \`${command(['limits', 'set', row.name], called)}\`.`;
  return `${words}, as long as a process that declared it lives; then this one's does. Give all processes the same, or set it with QueueAdmin.setLimit.`;
}

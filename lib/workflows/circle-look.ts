import { circlesOf } from '../runtime/circles.js';
import type { Decided, StagedRepository, Wait } from '../storage/staged/staged.repository.js';

/** Between two looks, and at least so many times as long as one takes: no call sees how turns of groups close a circle. */
const REST_MS = 5_000;
const REST_PER_LOOK = 20;
/** Jobs that one round begins at. */
const PAGE = 1_000;
const MAX_CIRCLES = 100;
const FIRST = '0';
const NO_MORE = 'waiting for this one itself';

/** Looks for jobs that wait for themselves, page by page of those that depend on others. */
export class CircleLook {
  private after = FIRST;
  private size = PAGE;
  private tookMs = 0;
  private nextAt = -Infinity;

  constructor(private readonly staged: Pick<StagedRepository, 'waits'>) {}

  get isUnderWay(): boolean {
    return this.tookMs > 0;
  }

  /** Of each circle of a page the job that shall end, with what it waits for; the page is looked at again until it has none. */
  async page(): Promise<Decided[]> {
    const startedAt = performance.now();
    if (startedAt < this.nextAt) return [];
    const { waits, cut, last } = await this.staged.waits(this.after, this.size);
    const found = endsOf(waits);
    this.tookMs += performance.now() - startedAt;
    if (found.length > 0) return found;
    // More than one round reads: begin at fewer.
    if (cut && this.size > 1) this.size = Math.ceil(this.size / 4);
    else if (last === null) this.rest();
    else this.next(last);
    return [];
  }

  private next(after: string): void {
    this.after = after;
    this.size = Math.min(2 * this.size, PAGE);
  }

  private rest(): void {
    this.nextAt = performance.now() + Math.max(REST_MS, REST_PER_LOOK * this.tookMs);
    this.tookMs = 0;
    this.next(FIRST);
  }
}

/** A job leaves a circle that others wait for in their ordered group, while it waits for one that it depends on: by the lowest id, so that all processes end the same. */
function endsOf(waits: readonly Wait[]): Decided[] {
  const items = [...new Set(waits.flatMap(([item, awaits]) => [item, awaits]))];
  const numbers = new Map(items.map((item, number) => [item, number]));
  const awaited: number[][] = items.map(() => []);
  for (const [item, awaits] of waits) awaited[numbers.get(item)!]!.push(numbers.get(awaits)!);
  const whys = new Set(waits.map((wait) => wait.join()));
  const circles = circlesOf(awaited);
  const ends: Decided[] = [];
  for (let circle = circles.next(); circle && ends.length < MAX_CIRCLES; circle = circles.next()) {
    const names = circle.map((number) => items[number]!);
    const [end] = names
      .map((id, at) => ({ id, before: names.at(at - 1)!, next: names[(at + 1) % names.length]! }))
      .filter(
        ({ id, before, next }) =>
          whys.has(`${before},${id},turn`) && whys.has(`${id},${next},awaits`),
      )
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    circles.free(end ? numbers.get(end.id)! : circle[0]!);
    if (end) ends.push({ id: end.id, failed: { id: end.next, state: NO_MORE } });
  }
  return ends;
}

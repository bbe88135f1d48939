import type { Lane, LaneName } from '../../job/lane.js';
import { DatabaseError } from '../connection/database-errors.js';
import type { Database, Run } from '../connection/database.js';
import { statement } from '../connection/statement.js';
import { blocked, isBlocked } from './blocked-registration.js';
import { MAX_LABELLED_LANES, MAX_LANES, tooMany } from './lane-bounds.js';
import { columnsOf, keyOf } from './lane-names.js';
import { LOCK_LANES, REGISTER_LANES, REGISTER_QUEUES } from './register-lanes.sql.js';

/** What knows lanes: `load` looks them up, and returns those that there are not. */
interface Registry {
  load(lanes: readonly LaneName[]): Promise<LaneName[]>;
  known(key: string): Lane | undefined;
}

/** Somebody who waits for a lane. */
interface Asked {
  lane: LaneName;
  until: number;
  resolve: (lane: Lane) => void;
  reject: (reason: unknown) => void;
}

/** A registration that went well and left no lane: refused for the number of them, or taken back meanwhile. */
const MAX_ROUNDS = 3;
/** Of one transaction. */
const MOST_AT_ONCE = 1_000;
/** Where one of several is being registered elsewhere, the others wait for it so long in all: each try for moments, of so many. */
const MOMENT = statement('', 'set local lock_timeout = 5');
const MOST_TRIES = 100;

const LOCKED = '55P03';
/** A number that was taken by chance, a queue that went meanwhile. */
const DRAWN_AGAIN = new Set<string | undefined>(['23505', '23503']);
const stateOf = (error: unknown) => (error instanceof DatabaseError ? error.sqlState : undefined);
/** Not of all that were tried together: another transaction registers it, or the encoding of the database does not have its letters. */
const isOfOne = (error: unknown) => /^(55P03|22...)$/.test(stateOf(error) ?? '');

/** Registers lanes, outside any caller's transaction. */
export class Registrations {
  private readonly asked = new Map<string, Promise<Lane>>();
  private readonly fresh: Asked[] = [];
  private readonly held: Asked[] = [];
  private readonly turning = new Set<Asked[]>();

  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly patienceMs: number,
  ) {}

  /**
   * A lane, once for all who ask for it. What waits at the same time is registered together; what another transaction registers waits by itself
   * from then on, all of it on one connection.
   */
  ask(lane: LaneName): Promise<Lane> {
    const key = keyOf(lane);
    const pending = this.asked.get(key);
    if (pending) return pending;
    const until = performance.now() + this.patienceMs;
    const asked = new Promise<Lane>((resolve, reject) => {
      this.fresh.push({ lane, until, resolve, reject });
    }).finally(() => this.asked.delete(key));
    this.asked.set(key, asked);
    void this.turn(this.fresh);
    return asked;
  }

  /** Registers these; returns what the database has no room for. */
  async register(lanes: readonly LaneName[], patienceMs = this.patienceMs): Promise<LaneName[]> {
    const until = performance.now() + patienceMs;
    for (;;) {
      try {
        return await this.tried(lanes);
      } catch (error) {
        if (stateOf(error) !== LOCKED) throw error;
        if (performance.now() >= until) throw blocked(lanes[0]!, error);
      }
    }
  }

  /** Registers what can be, and waits for others' transactions once; why not, by key, of what is left. */
  async registerFree(lanes: readonly LaneName[]): Promise<Map<string, unknown>> {
    const reasons = new Map<string, unknown>();
    const parts = lanes.length > 0 ? [[...lanes]] : [];
    let last: unknown;
    for (let tries = 0; parts.length > 0;) {
      const part = parts.pop()!;
      const why = tries < MOST_TRIES ? await this.reasonOf(part, tries > 0, reasons) : last;
      if (why === undefined) continue;
      last = why;
      if (tries < MOST_TRIES && part.length > 1) parts.push(...halves(part, tries === 0));
      else for (const lane of part) reasons.set(keyOf(lane), stateOf(why) === LOCKED ? blocked(lane, why) : why); // prettier-ignore
      tries++;
    }
    return reasons;
  }

  private async reasonOf(
    part: LaneName[],
    isHasty: boolean,
    reasons: Map<string, unknown>,
  ): Promise<unknown> {
    try {
      for (const lane of await this.tried(part, isHasty)) reasons.set(keyOf(lane), tooMany(lane));
      return undefined;
    } catch (error) {
      if (isOfOne(error)) return error;
      throw error;
    }
  }

  /** One round at a time; what begins to wait meanwhile leaves with the next. */
  private async turn(line: Asked[]): Promise<void> {
    if (this.turning.has(line)) return;
    this.turning.add(line);
    // With those who ask in the same moment.
    await Promise.resolve();
    while (line.length > 0) {
      const round = line.splice(0, MOST_AT_ONCE);
      await this.round(round).catch((error: unknown) =>
        round.forEach((each) => each.reject(error)),
      );
    }
    this.turning.delete(line);
  }

  private async round(asked: Asked[]): Promise<void> {
    const reasons = await this.registerFree(asked.map(({ lane }) => lane));
    for (const each of asked) {
      const key = keyOf(each.lane);
      const lane = this.registry.known(key);
      const reason = reasons.get(key);
      if (lane && reason === undefined) each.resolve(lane);
      else if (isBlocked(reason) && performance.now() < each.until) this.held.push(each);
      else if (reason === undefined) this.fresh.push(each);
      else each.reject(reason);
    }
    if (this.held.length > 0) void this.turn(this.held);
    if (this.fresh.length > 0) void this.turn(this.fresh);
  }

  private async tried(lanes: readonly LaneName[], isHasty = false): Promise<LaneName[]> {
    let missing = await this.registry.load(lanes);
    for (let rounds = 0; missing.length > 0 && rounds < MAX_ROUNDS; rounds++) {
      await this.insert(missing, isHasty);
      missing = await this.registry.load(missing);
    }
    return missing;
  }

  private async insert(lanes: readonly LaneName[], isHasty: boolean): Promise<void> {
    const columns = columnsOf(lanes);
    const inOne = (work: (run: Run) => Promise<unknown>) =>
      this.database.loops.transaction(async (run) => {
        if (isHasty) await run(MOMENT, []);
        await work(run);
      });
    const queues = (run: Run) => run(REGISTER_QUEUES, [columns[0]]);
    try {
      await (isHasty ? inOne(queues) : queues(this.database.loops.run));
      await inOne(async (run) => {
        await run(LOCK_LANES, [columns[0]]);
        await run(REGISTER_LANES, [...columns, MAX_LABELLED_LANES, MAX_LANES]);
      });
    } catch (error) {
      if (!DRAWN_AGAIN.has(stateOf(error))) throw error;
    }
  }
}

/** In any order: what is left for another time is not always the same. */
function halves(part: LaneName[], isFirst: boolean): LaneName[][] {
  const lanes = isFirst ? part.toSorted(() => Math.random() - 0.5) : part;
  const middle = lanes.length >> 1;
  return [lanes.slice(middle), lanes.slice(0, middle)];
}

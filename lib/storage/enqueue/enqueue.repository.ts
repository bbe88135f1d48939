import type { NewJob } from '../../job/new-job.js';
import type { Enqueued } from '../../job/enqueue-options.js';
import { quote } from '../../job/names.js';
import { QueueError } from '../../job/queue.errors.js';
import { later } from '../../runtime/later.js';
import { overlap } from '../../runtime/overlap.js';
import { isMadeHere } from '../../runtime/uuid7.js';
import { chunksOf } from './chunks.js';
import type { Connections } from '../connection/connections.js';
import type { Database, Run } from '../connection/database.js';
import { GivenIdRepository, type FreeId } from './given-id.repository.js';
import { heldValues, isHeld } from './held-jobs.js';
import { anyValues, claimedCells, givenIds, insertionsOf, oneOf } from './job-values.js';
import type { Lanes } from '../lanes/lanes.js';
import { idsOf, inserter, type Store } from './inserter.js';
import { mayWait, namesOf } from './may-wait.js';
import { isLimited, PendingRepository } from './pending.repository.js';
import { claimedRow, type ClaimedRow } from '../claim/row-mapper.js';
import { SHARD } from '../connection/shard.js';
import type { DirectClaim } from './direct-claims.js';
import type { Notice } from '../wake-ups/signals.js';
import { DATABASE_TIME } from '../connection/database-time.sql.js';
import { DRAW_TURNS } from './draw-turns.sql.js';
import { ENQUEUE_HELD } from './enqueue-held.sql.js';
import {
  ENQUEUE_CLAIMED,
  ENQUEUE_CLAIMED_BARE,
  ENQUEUE_ONE,
  ENQUEUE_ONE_AND_NOTIFY,
  ENQUEUE_ONE_AND_NOTIFY_BARE,
  ENQUEUE_ONE_BARE,
} from './enqueue-one.sql.js';
import { ENQUEUE_PLAIN } from './enqueue-plain.sql.js';
import { ENQUEUE } from './enqueue.sql.js';
import { FIND_LIVE_KEYS } from '../keys/find-live-keys.sql.js';
import { byKey, created, dependenciesOf, existing, hasConflictMode, idOf, isWaiting, keyOf, queueOf, type Answers } from './storing.js'; // prettier-ignore
import { repeated, undoable } from '../connection/callers/undoable.js';
import { Turns, Uplink } from './uplink.js';

/** The holder of a key may end between insert and look-up, again and again in theory. */
const MAX_ROUNDS = 5;
const loadConflicts = async () => new (await import('../keys/conflict.repository.js')).ConflictRepository(); // prettier-ignore

/** Stores new jobs; answers for each in place. */
export class EnqueueRepository {
  private readonly conflicts = later(loadConflicts);
  private readonly pending: PendingRepository;
  private readonly store: Store;
  private readonly uplink = new Uplink();
  private readonly waitersUplink = new Uplink();
  /** Each has a connection while it waits for the uplink: what has the uplink must find another. */
  private readonly batches: Turns;

  constructor(
    private readonly database: Database,
    lanes: Lanes,
    private readonly ids = new GivenIdRepository(database),
  ) {
    this.pending = new PendingRepository(lanes);
    this.store = inserter(lanes);
    this.batches = new Turns(Math.max(1, Math.floor(database.callers.max / 2)));
  }

  insert(jobs: NewJob[]): Promise<Enqueued[]> {
    const { waiters, callers } = this.database;
    if (!jobs.some(mayWait)) return this.uplink.carry(jobs, () => this.insertBy(callers, jobs));
    return this.insertBy(
      waiters.about(
        () => namesOf(jobs),
        (work) => this.waitersUplink.carry(jobs, work),
      ),
      jobs,
    );
  }

  /** In a transaction of our own where one is needed: one statement is its own transaction. */
  private async insertBy(
    connections: Pick<Connections, 'run' | 'transaction'>,
    jobs: NewJob[],
  ): Promise<Enqueued[]> {
    const isOneStatement = chunksOf(jobs).length <= 1 && !jobs.some(isConditional);
    // A lone job with an id needs none either: whatever several statements find out, one of them stores.
    if (isOneStatement && (jobs.length === 1 || !jobs.some((job) => job.givenId)))
      return this.insertAll(connections.run, jobs);
    return repeated(() => connections.transaction((run) => this.insertAll(run, jobs)));
  }

  /** One plain job and its wake-up; undefined: its lane has another number by now, and nothing is stored. */
  async insertAndNotify(job: NewJob, { channel, message }: Notice): Promise<Enqueued | undefined> {
    const more = [channel, message];
    const one = oneOf(ENQUEUE_ONE_AND_NOTIFY, ENQUEUE_ONE_AND_NOTIFY_BARE, job, more);
    const stored = await this.uplink.carry([job], () => this.database.callers.run(...one));
    return stored.length > 0 ? created(job) : undefined;
  }

  /** One plain job, claimed as it is stored: its row as a claim would bring it; undefined as above. */
  async insertClaimed(job: NewJob, claim: DirectClaim): Promise<ClaimedRow | undefined> {
    const more = [claim.claimId, claim.lease];
    const one = oneOf(ENQUEUE_CLAIMED, ENQUEUE_CLAIMED_BARE, job, more);
    const [stored] = await this.uplink.carry([job], () =>
      this.database.callers.run<{ runAt: string }>(...one),
    );
    return stored && claimedRow(claimedCells(job, stored.runAt));
  }

  /** In the transaction of a caller, who may go on after a refusal: all or none, as in one of our own. */
  insertIn(run: Run, jobs: NewJob[]): Promise<Enqueued[]> {
    return mayStopHalfWay(jobs)
      ? undoable(run, () => this.insertAll(run, jobs))
      : this.insertAll(run, jobs);
  }

  private insertAll(run: Run, jobs: NewJob[]): Promise<Enqueued[]> {
    // The jobs of a call have one limit, and those of several calls none.
    const isBounded = jobs.length > 0 && isLimited(jobs[0]!);
    return isBounded
      ? this.pending.within(run, jobs, () => this.insertUnlimited(run, jobs))
      : this.insertUnlimited(run, jobs);
  }

  private insertUnlimited(run: Run, jobs: NewJob[]): Promise<Enqueued[]> {
    if (!jobs.every(isPlain)) return this.insertKeyed(run, jobs);
    if (jobs.length === 1) return this.insertOne(run, jobs[0]!);
    return this.insertPlain(run, chunksOf(jobs)).then(() => jobs.map(created));
  }

  private async insertOne(run: Run, job: NewJob): Promise<Enqueued[]> {
    const stored = await run(...oneOf(ENQUEUE_ONE, ENQUEUE_ONE_BARE, job));
    if (stored.length === 0)
      await this.store(run, ENQUEUE, {
        jobs: [job],
        values: () => [...anyValues([job]), null, null],
      });
    return [created(job)];
  }

  private async insertKeyed(run: Run, jobs: NewJob[]): Promise<Enqueued[]> {
    const dependencies = await dependenciesOf(jobs);
    await dependencies?.refuseInVain(run, jobs);
    const answers = jobs.some(hasConflictMode)
      ? await this.conflicts.resolve(run, jobs, (within, some) => this.insertAny(within, some))
      : await this.insertAny(run, jobs);
    await dependencies?.storeDependents(run, jobs, answers);
    return answers;
  }

  /**
   * A large batch of plain jobs, all or none, in one transaction: the next chunk is made and written out while the server stores the last.
   * More than one connection would be faster still, and could not keep that promise.
   */
  insertChunks(chunks: AsyncIterable<NewJob[]>): Promise<void> {
    const store: Store = (run, statement, chunk) =>
      this.uplink.carry(chunk.jobs, () => this.store(run, statement, chunk));
    return this.batches.take(1, () =>
      this.database.callers.transaction((run) => this.insertPlain(run, chunks, store)),
    );
  }

  private insertPlain(
    run: Run,
    chunks: Iterable<NewJob[]> | AsyncIterable<NewJob[]>,
    store = this.store,
  ): Promise<void> {
    return overlap(insertionsOf(chunks), (insertion) => store(run, ENQUEUE_PLAIN, insertion));
  }

  private async insertAny(run: Run, jobs: NewJob[]): Promise<Enqueued[]> {
    const answers: Answers = new Map();
    const now = await this.timeForAll(run, jobs);
    const positions = new Map(jobs.map((job, position) => [job, position]));
    await this.drawTurns(run, jobs);
    await this.answerIds(run, jobs.filter(mayBeOurs), answers);
    let open = jobs.filter((job) => !answers.has(job)).sort(byKey);
    for (let round = 0; open.length > 0 && round < MAX_ROUNDS; round++) {
      const free: FreeId[] = [];
      for (const chunk of chunksOf(open))
        free.push(...(await this.insertChunk(run, { jobs: chunk, now, positions, answers })));
      // Behind all inserts of the round: two batches that meet take new ids first, and those of the past then.
      await this.ids.forget(run, free);
      open = open.filter((job) => !answers.has(job));
    }
    if (open.length > 0) throw restless();
    return jobs.map((job) => answers.get(job)!);
  }

  private async insertChunk(run: Run, chunk: Chunk): Promise<FreeId[]> {
    const { jobs, answers } = chunk;
    const stored = new Set(
      await (jobs.some(isHeld) ? this.storeHeld(run, chunk) : this.storeFree(run, chunk)),
    );
    for (const job of jobs) if (stored.delete(job.id)) answers.set(job, created(job));
    return this.answerKnown(run, jobs, answers);
  }

  /** An id that is known is the same enqueue once more, whatever its key has met: ids are asked for before keys. */
  private async answerKnown(run: Run, jobs: NewJob[], answers: Answers): Promise<FreeId[]> {
    const free = await this.answerIds(run, jobs, answers);
    await this.answerKeys(run, jobs, answers);
    const answered = new Set(jobs.filter((job) => answers.has(job)).map(idOf));
    return free.filter(({ id }) => !answered.has(id));
  }

  /** Several statements insert in the order of the keys; one time for all lets the jobs run in the order of the array. */
  private async timeForAll(run: Run, jobs: NewJob[]): Promise<string | undefined> {
    return chunksOf(jobs).length > 1
      ? (await run<{ now: string }>(DATABASE_TIME, []))[0]!.now
      : undefined;
  }

  private async storeFree(run: Run, { jobs, now }: Chunk): Promise<string[]> {
    const values = () => [...anyValues(jobs), now ?? null, givenIds(jobs)];
    return idsOf(await this.store(run, ENQUEUE, { jobs, values }));
  }

  /** The free ones among them as well: two statements would take the keys in another order than a batch without held ones. */
  private async storeHeld(run: Run, { jobs, now, positions }: Chunk): Promise<string[]> {
    const held = () => heldValues(jobs, (job) => positions.get(job)!);
    const values = () => [...anyValues(jobs), ...held(), now ?? null, givenIds(jobs)];
    const rows = await this.store(run, ENQUEUE_HELD, { jobs, values });
    const mixed = rows.find((row) => row.mixed !== null);
    if (mixed) throw mixedGroup(mixed.mixed!);
    return idsOf(rows);
  }

  /** Several statements of one batch: their jobs take their turns in the order of the array all the same. */
  private async drawTurns(run: Run, jobs: NewJob[]): Promise<void> {
    const ordered = jobs.filter((job) => job.ordered);
    if (ordered.length === 0 || chunksOf(jobs).length <= 1) return;
    const groups = [ordered.map(queueOf), ordered.map((job) => job.group)];
    const rows = await run<{ seq: string }>(DRAW_TURNS, [...groups, ordered.length]);
    ordered.forEach((job, index) => (job.seq = rows[index]!.seq));
  }

  /** A job that did not come in met a live unique key, or its caller's id is known. */
  private async answerKeys(run: Run, jobs: NewJob[], answers: Answers): Promise<void> {
    const keyed = jobs.filter((job) => job.uniqueKey !== undefined && !answers.has(job));
    if (keyed.length === 0) return;
    const values = [
      SHARD,
      keyed.map((_, position) => position),
      keyed.map(queueOf),
      keyed.map(keyOf),
    ];
    for (const { position, id } of await run<{ position: number; id: string }>(
      FIND_LIVE_KEYS,
      values,
    ))
      answers.set(keyed[position]!, existing(id));
  }

  /** Those that have no job any more come back. */
  private async answerIds(run: Run, jobs: NewJob[], answers: Answers): Promise<FreeId[]> {
    const given = jobs.filter((job) => job.givenId && !answers.has(job));
    if (given.length === 0) return [];
    const { known, free } = await this.ids.look(run, given.map(idOf));
    for (const job of given) if (known.has(job.id)) answers.set(job, existing(job.id));
    return free;
  }
}

/** Jobs of one statement, and where their answers go. */
interface Chunk {
  jobs: NewJob[];
  now: string | undefined;
  /** Where each job stood in the caller's array. */
  positions: Map<NewJob, number>;
  answers: Answers;
}

/** Due now, with an id of ours, no unique key and no group: nothing can conflict. */
export const isPlain = (job: NewJob): boolean =>
  job.uniqueKey === undefined &&
  !job.givenId &&
  job.at === undefined &&
  job.delayMs === undefined &&
  !isHeld(job);

/** A group that would be mixed is met when another statement has stored other jobs of the call already. */
const mayStopHalfWay = (jobs: NewJob[]): boolean =>
  jobs.length > 1 &&
  jobs.some((job) => job.group !== undefined) &&
  (jobs.some(hasConflictMode) || chunksOf(jobs).length > 1);

/** A caller may give what the library made once, and what no memory knows of. */
const mayBeOurs = (job: NewJob): boolean => job.givenId && isMadeHere(job.id);

/** More than one statement may be needed. */
const isConditional = (job: NewJob): boolean =>
  isLimited(job) || hasConflictMode(job) || isWaiting(job);

function restless(): QueueError {
  const message = `A unique key changed hands ${MAX_ROUNDS} times while its job was being enqueued. Enqueue it again.`;
  return new QueueError('TRANSACTION_CONFLICT', message);
}

function mixedGroup(group: string): QueueError {
  const which = group === '' ? 'The queue' : `Group ${quote(group)}`;
  const message = `${which} has live jobs of the other kind: the jobs of a group are all ordered, or none is. Give ordered: true to all of them, or use another group.`;
  return new QueueError('GROUP_MIXED', message);
}

import { dirname, join } from 'node:path';
import { Coalescer } from '../runtime/coalescer.js';
import { Aside } from './aside.js';
import { codeOf, isGone, removed, sizeOf } from './files.js';
import { beat, leave, newFolder, removeFolder, segmentName, tryFolder } from './folders.js';
import { Others } from './others.js';
import { framedBytes, jobsOf, type SpoolRecord } from './record.js';
import { Displaced, headerRecord, readSegment, SegmentWriter } from './segment.js';
import { SpoolRefusal, type HeldSegment, type SpoolSettings, type SpoolState } from './state.js';

/** A segment is replayed as a whole, and deleted then. */
const SEGMENT_BYTES = 2 * 1024 * 1024;
const MAX_DISPLACED = 3;

/** The jobs of this process that wait on its disk for the database. Knows files, and nothing of queues. */
export class Spool {
  readonly aside: Aside;
  private readonly line: Coalescer<SpoolRecord, void>;
  private readonly held: HeldSegment[] = [];
  private readonly others: Others;
  private folder: string | undefined;
  private number = 0;
  private writer: SegmentWriter | undefined;
  private writtenJobs = 0;
  /** Writing, sealing and taking over come one after another. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(private readonly settings: SpoolSettings) {
    this.aside = new Aside(settings.folder);
    this.others = new Others(settings);
    this.line = new Coalescer((records) => this.alone(() => this.write(records)), {
      maxItems: 1_000,
      maxWeight: SEGMENT_BYTES,
      weightOf: framedBytes,
      maxFlights: 1,
      isShared: () => false,
    });
  }

  /** Throws what the operating system says where the folder takes nothing; a full disk has room again some time. */
  static async open(settings: SpoolSettings): Promise<Spool> {
    const spool = new Spool(settings);
    await tryFolder(settings.folder).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOSPC' && codeOf(error) !== 'EDQUOT') throw error;
      const message = `The disk of the spool "${settings.folder}" is full.`;
      settings.warn({ code: 'SPOOL_FULL', message });
    });
    await spool.aside.removeDrafts();
    await spool.aside.count();
    return spool;
  }

  /** Jobs of this process wait here: later ones go behind them. */
  get isBehind(): boolean {
    return this.writtenJobs > 0 || this.held.some(({ isOwn }) => isOwn);
  }

  get isEmpty(): boolean {
    return this.writtenJobs === 0 && this.held.length === 0;
  }

  get bytes(): number {
    return this.held.reduce((sum, { bytes }) => sum + bytes, this.writer?.bytes ?? 0);
  }

  get segments(): number {
    return this.held.length;
  }

  /** Of what later calls go behind. */
  get ownBytes(): number {
    const own = this.held.filter(({ isOwn }) => isOwn);
    return own.reduce((sum, { bytes }) => sum + bytes, this.writer?.bytes ?? 0);
  }

  get state(): SpoolState {
    const { bytes, settings } = this;
    const jobs = this.held.reduce((sum, segment) => sum + segment.jobs, this.writtenJobs);
    const { folder, maxBytes } = settings;
    return {
      folder,
      jobs,
      bytes,
      maxBytes,
      aside: this.aside.state,
      refused: this.others.refusals,
    };
  }

  get hasRoom(): boolean {
    return this.bytes + this.aside.state.bytes < this.settings.maxBytes;
  }

  /** On the disk when it returns, together with what others add meanwhile. @throws SpoolRefusal, or what the operating system says. */
  append(record: SpoolRecord): Promise<void> {
    return this.line.add(record);
  }

  /** The oldest segment of this process, which calls of now wait for, else one that a dead process has left. What is written from now on goes behind it. */
  oldest(): Promise<HeldSegment | undefined> {
    return this.alone(async () => {
      const own = () => this.held.find(({ isOwn }) => isOwn);
      if (!own()) await this.seal();
      return own() ?? this.held[0];
    });
  }

  /** Its records. What is damaged is kept aside first. */
  async read(segment: HeldSegment): Promise<SpoolRecord[]> {
    const found = await readSegment(segment.path);
    if (!found) {
      this.displaced(dirname(segment.path));
      return [];
    }
    const { header, records, damaged, tornBytes } = found;
    const broken = header ? damaged : [Buffer.concat([...records.map(({ body }) => body), ...damaged])]; // prettier-ignore
    for (const bytes of broken) if (bytes.length > 0) await this.keepDamaged(bytes);
    if (tornBytes > 0) this.warnOfTorn(tornBytes);
    return header ? records : [];
  }

  /** All of it is in the database or aside. */
  done(segment: HeldSegment): Promise<void> {
    return this.alone(async () => {
      [segment.isDone, segment.jobs] = [true, 0];
      await removed(segment.path);
      this.drop([segment]);
      await this.tidy(dirname(segment.path));
    });
  }

  /** The disk does not let it be finished: it is tried again when nothing else waits, and no call goes behind it. */
  postpone(segment: HeldSegment): void {
    segment.isOwn = false;
    if (this.held.includes(segment)) this.held.push(...this.held.splice(this.held.indexOf(segment), 1)); // prettier-ignore
  }

  /** What the database refused. `isPassing`: it is tried again by itself. */
  keepAside(records: SpoolRecord[], isPassing: boolean): Promise<void> {
    return this.aside.keep(this.settings.database, records, isPassing);
  }

  /** What was put aside is replayed once more; `all`: also what was refused for good. */
  retry(all: boolean): Promise<number> {
    return this.alone(async () => {
      const { aside, settings } = this;
      if ((await aside.count()).jobs === 0) return 0;
      const folder = (this.folder ??= await newFolder(settings.folder));
      const paths = await aside.take(all, settings.database, () => this.nextPath(folder));
      await this.hold(paths);
      await aside.count();
      await this.tidy(folder);
      return paths.length;
    });
  }

  /** Says that this process lives, and takes over what dead ones have left. */
  upkeep(): Promise<void> {
    return this.alone(async () => {
      for (const folder of this.folders) if (!(await beat(folder))) this.displaced(folder);
      await this.hold(await this.others.left(this.folders));
      await this.aside.count();
    });
  }

  /** Of processes that somebody else takes for dead. */
  takeOver(names: readonly string[]): Promise<void> {
    return this.alone(async () => this.hold(await this.others.take(names)));
  }

  /** What is left is anybody's; of a disk that takes no word, when this process counts as dead. */
  close(): Promise<void> {
    return this.alone(async () => {
      await this.seal();
      for (const folder of this.folders) await leave(folder).catch(() => undefined);
    });
  }

  private get folders(): Set<string> {
    const own = this.folder === undefined ? [] : [this.folder];
    return new Set([...own, ...this.held.map(({ path }) => dirname(path))]);
  }

  private async write(records: SpoolRecord[]): Promise<void[]> {
    this.refuseWhenFull(records);
    for (let round = 0; ; round++)
      try {
        await (await this.openWriter()).append(records);
        this.writtenJobs += jobsOf(records);
        return records.map(() => undefined);
      } catch (error) {
        if (!(error instanceof Displaced) || round === MAX_DISPLACED) {
          await this.seal();
          throw error;
        }
        this.displaced(this.folder!);
      }
  }

  private refuseWhenFull(records: SpoolRecord[]): void {
    const { maxBytes, database } = this.settings;
    const begins = this.hasOpenWriter ? 0 : headerRecord(database).length;
    const size = records.reduce((sum, record) => sum + framedBytes(record), begins);
    if (this.bytes + this.aside.state.bytes + size > maxBytes)
      throw new SpoolRefusal(`it holds its ${maxBytes} bytes (spool.maxBytes)`);
  }

  private get hasOpenWriter(): boolean {
    return this.writer !== undefined && this.writer.bytes <= SEGMENT_BYTES;
  }

  private async openWriter(): Promise<SegmentWriter> {
    if (!this.hasOpenWriter) await this.seal();
    if (this.writer) return this.writer;
    const { settings } = this;
    const folder = (this.folder ??= await newFolder(settings.folder));
    const path = this.nextPath(folder);
    try {
      return (this.writer = await SegmentWriter.create(path, settings.database));
    } catch (error) {
      if (isGone(error)) throw new Displaced('The folder of the spool is gone.');
      await removed(path).catch(() => undefined);
      throw error;
    }
  }

  private nextPath(folder: string): string {
    return join(folder, segmentName(++this.number));
  }

  /** Nothing more is written to the segment. */
  private async seal(): Promise<void> {
    const { writer, writtenJobs: jobs } = this;
    if (!writer) return;
    // At once, or a call of this moment would find nothing before it, and overtake all of them.
    if (jobs > 0) this.held.push({ path: writer.path, jobs, bytes: writer.bytes, isOwn: true });
    this.writer = undefined;
    this.writtenJobs = 0;
    await writer.close().catch(() => undefined);
    if (jobs > 0) return;
    await removed(writer.path);
    await this.tidy(dirname(writer.path));
  }

  /** Another process took this one for dead, and replays what it had: all of that is on the disk. Or somebody has deleted it. */
  private displaced(folder: string): void {
    const lost = this.held.filter(({ path }) => dirname(path) === folder);
    this.drop(lost);
    this.warnOfGone(folder, jobsOf(lost) + (folder === this.folder ? this.writtenJobs : 0));
    if (folder !== this.folder) return;
    void this.writer?.close().catch(() => undefined);
    [this.folder, this.writer, this.writtenJobs] = [undefined, undefined, 0];
  }

  private drop(segments: HeldSegment[]): void {
    // One that was being stored may be gone from here with its folder.
    const gone = new Set(segments);
    this.held.splice(0, Infinity, ...this.held.filter((each) => !gone.has(each)));
  }

  private async tidy(folder: string): Promise<void> {
    if (this.writer && folder === this.folder) return;
    if (this.held.some(({ path }) => dirname(path) === folder)) return;
    if (folder === this.folder) this.folder = undefined;
    await removeFolder(folder);
  }

  private async hold(paths: string[]): Promise<void> {
    for (const path of paths) {
      // Who replays it says what is wrong with it.
      const found = await readSegment(path).catch(() => undefined);
      const jobs = jobsOf(found?.records ?? []);
      this.held.push({ path, jobs, bytes: await sizeOf(path), isOwn: false });
    }
  }

  async keepDamaged(bytes: Buffer): Promise<void> {
    await this.aside.keepDamaged(bytes);
    const message = `${bytes.length} bytes of the spool are damaged, and are kept in "${this.aside.path}". What is around them is replayed.`;
    this.settings.warn({ code: 'SPOOL_DAMAGED', message });
  }

  private warnOfGone(folder: string, jobs: number): void {
    if (jobs === 0) return;
    const message = `The folder "${folder}" of the spool is gone, and ${jobs} acknowledged job(s) with it: another process has taken them over, or somebody has deleted or moved them.`;
    this.settings.warn({ code: 'SPOOL_GONE', message });
  }

  private warnOfTorn(bytes: number): void {
    const message = `The last ${bytes} bytes of a segment of the spool were never finished: their process died, and told nobody that they are stored.`;
    this.settings.warn({ code: 'SPOOL_TORN', message });
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.turn.then(work);
    this.turn = turn.catch(() => undefined);
    return turn;
  }
}

import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isGone, ifThere, syncFolder } from './files.js';
import { framed, scanned, type Scan, type SpoolRecord } from './record.js';

/** The layout of segments and of their records. Another one is refused. */
export const FORMAT = 1;

/** At most: names have bounds. */
const HEADER_BYTES = 4_096;

/** Whose jobs these are: which layout, and which tables of which database. */
export interface SegmentHeader {
  format: number;
  database: string;
}

/** Its first record says what it is. */
export const headerRecord = (database: string): Buffer =>
  framed({ jobs: 0, body: Buffer.from(JSON.stringify({ format: FORMAT, database })) });

/** This process has lost its folder to another one, which took it for dead: what was just written may be read there or not. */
export class Displaced extends Error {}

/** A file that one process appends to. What `append` has acknowledged is on the disk. */
export class SegmentWriter {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** Behind the last record that was acknowledged. */
    private length: number,
    private readonly inode: bigint,
  ) {}

  static async create(path: string, database: string): Promise<SegmentWriter> {
    const handle = await open(path, 'wx', 0o600);
    try {
      const header = headerRecord(database);
      await handle.write(header, 0, header.length, 0);
      await handle.sync();
      await syncFolder(dirname(path));
      const { ino } = await handle.stat({ bigint: true });
      return new SegmentWriter(path, handle, header.length, ino);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get bytes(): number {
    return this.length;
  }

  /**
   * One write and one sync for all. What fails is cut, so that nobody finds a record whose caller was told that it is not stored.
   * The last look is a fence: who takes this folder over moves it first and reads it then, so what is on the disk while the folder
   * still has its name is read there.
   */
  async append(records: SpoolRecord[]): Promise<void> {
    const bytes = Buffer.concat(records.map(framed));
    try {
      await this.write(bytes);
      await this.handle.datasync();
    } catch (error) {
      await this.cut();
      throw error;
    }
    if (!(await this.isOurs())) throw new Displaced('The folder of the spool was taken over.');
    this.length += bytes.length;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** A disk that is nearly full takes a part. */
  private async write(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const at = this.length + done;
      done += (await this.handle.write(bytes, done, bytes.length - done, at)).bytesWritten;
    }
  }

  private async cut(): Promise<void> {
    await this.handle
      .truncate(this.length)
      .then(() => this.handle.datasync())
      .catch(() => undefined);
  }

  private async isOurs(): Promise<boolean> {
    const there = await ifThere(stat(this.path, { bigint: true }));
    return there?.ino === this.inode;
  }
}

/** What a segment holds behind its header; undefined where it is gone. */
export async function readSegment(
  path: string,
): Promise<(Scan & { header: SegmentHeader | undefined }) | undefined> {
  try {
    const scan = scanned(await readFile(path));
    const header = headerOf(scan.records[0]);
    return { ...scan, records: scan.records.slice(header ? 1 : 0), header };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** What a segment says that it is; undefined where it is gone, or says nothing that is understood. */
export async function readHeader(path: string): Promise<SegmentHeader | undefined> {
  const handle = await ifThere(open(path, 'r'));
  if (!handle) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return headerOf(scanned(buffer.subarray(0, bytesRead)).records[0]);
  } finally {
    await handle.close();
  }
}

function headerOf(record: SpoolRecord | undefined): SegmentHeader | undefined {
  if (record?.jobs !== 0) return undefined;
  try {
    const header = JSON.parse(record.body.toString()) as Partial<SegmentHeader> | null;
    const isKnown = typeof header?.format === 'number' && typeof header.database === 'string';
    return isKnown ? (header as SegmentHeader) : undefined;
  } catch {
    return undefined;
  }
}

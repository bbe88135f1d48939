import { crc32 } from 'node:zlib';

/** One enqueue call as it is written down. `jobs`: how many are in it, so that nobody has to read a body to count. */
export interface SpoolRecord {
  jobs: number;
  body: Buffer;
}

/** What a segment holds: its records, what lies damaged between them, and how many bytes of a last record were never finished. */
export interface Scan {
  records: SpoolRecord[];
  damaged: Buffer[];
  tornBytes: number;
}

/** Begins each record, so that a reader finds the next one behind a damaged one. */
const MARK = Buffer.from('SQr1');
/** Mark, length, jobs, checksum. */
const HEAD_BYTES = 16;

export const jobsOf = (records: readonly { jobs: number }[]): number =>
  records.reduce((sum, { jobs }) => sum + jobs, 0);

export const framedBytes = ({ body }: SpoolRecord): number => HEAD_BYTES + body.length;

/** mark, length, jobs, checksum of what follows the mark but the checksum itself, body. */
export function framed({ jobs, body }: SpoolRecord): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  MARK.copy(head);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(jobs, 8);
  head.writeUInt32LE(crc32(body, crc32(head.subarray(4, 12))), 12);
  return Buffer.concat([head, body]);
}

/**
 * Reads a segment. A last record that is shorter than it says was being written when its process died: nobody was told that it is stored,
 * and it is cut. Whatever else does not have its checksum was stored once, and is handed over as damaged.
 */
export function scanned(bytes: Buffer): Scan {
  const scan: Scan = { records: [], damaged: [], tornBytes: 0 };
  let at = 0;
  while (at < bytes.length) {
    const end = endOf(bytes, at);
    if (end !== undefined) {
      scan.records.push({ jobs: bytes.readUInt32LE(at + 8), body: bytes.subarray(at + HEAD_BYTES, end) }); // prettier-ignore
      at = end;
      continue;
    }
    const next = nextRecord(bytes, at + 1);
    const broken = bytes.subarray(at, next);
    if (next === bytes.length && isTorn(broken)) scan.tornBytes = broken.length;
    else scan.damaged.push(broken);
    at = next;
  }
  return scan;
}

/** Where the record at `at` ends; undefined: there is no whole one. */
function endOf(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < HEAD_BYTES || bytes.compare(MARK, 0, 4, at, at + 4) !== 0)
    return undefined;
  const end = at + HEAD_BYTES + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return undefined;
  const sum = crc32(bytes.subarray(at + HEAD_BYTES, end), crc32(bytes.subarray(at + 4, at + 12)));
  return sum === bytes.readUInt32LE(at + 12) ? end : undefined;
}

/** A body may hold the mark by chance: only a record with its checksum counts. */
function nextRecord(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(MARK, from);
  while (at !== -1 && endOf(bytes, at) === undefined) at = bytes.indexOf(MARK, at + 1);
  return at === -1 ? bytes.length : at;
}

/** The beginning of a record that goes on behind the end, or nothing but zeros, which a file system leaves that had only grown the file. */
function isTorn(bytes: Buffer): boolean {
  if (bytes.every((byte) => byte === 0)) return true;
  const begins = bytes.compare(MARK, 0, Math.min(4, bytes.length), 0, Math.min(4, bytes.length));
  if (begins !== 0) return false;
  return bytes.length < HEAD_BYTES || HEAD_BYTES + bytes.readUInt32LE(4) > bytes.length;
}

import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { Finding, FindingCode } from '../../lib/doctor/finding.js';
import type { ExamineOptions } from '../../lib/doctor/examine-options.js';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { roleScript } from '../../migrations/roles.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { SimpleQueueOptions } from '../../lib/options/simple-queue.options.js';
import type { Storage } from '../../lib/storage/storage.js';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../support/storage.js';

/** Tables of an administrator, and a doctor who is an ordinary role with the rights of the guide. */
export interface Practice extends TestStorage {
  role: string;
  /** The address of the ordinary role. */
  url: string;
  doctor: QueueDoctor;
  /** What the doctor says of one thing. */
  ask(code: FindingCode, options?: ExamineOptions): Promise<Finding[]>;
  /** Another doctor on the same tables, as the same role unless another address is given; closed with the practice. */
  another(options: SimpleQueueOptions, url?: string, typeorm?: object): Promise<QueueDoctor>;
}

export async function aPractice(): Promise<Practice> {
  const test = await aStorage();
  const role = `doctor_${randomBytes(4).toString('hex')}`;
  await test.database.query(`create role ${role} login password 'doctor'`);
  for (const text of roleScript('simple_queue', role).filter((each) => !each.includes('produce')))
    await test.database.query(text);
  await test.database.query(`grant ${role}_enqueue to ${role}`);
  const url = Object.assign(new URL(test.database.url), {
    username: role,
    password: 'doctor',
  }).href;
  const opened: { storage: Storage; dataSource: DataSource }[] = [];
  const another: Practice['another'] = async (options, at = url, typeorm = {}) => {
    const given = { worker: false, migrate: 'off', ...options } as const;
    const dataSource = await aDataSource(at, typeorm);
    const storage = await openStorage(dataSource, given);
    opened.push({ storage, dataSource });
    return new QueueDoctor(storage, resolveOptions(given).options);
  };
  const doctor = await another({});
  const close = async () => {
    for (const { storage, dataSource } of opened) {
      await storage.onApplicationShutdown();
      await dataSource.destroy();
    }
    const roles = [
      role,
      ...['enqueue', 'worker', 'operate', 'read'].map((kind) => `${role}_${kind}`),
    ].join(', ');
    await test.database.query(`drop owned by ${roles}`);
    await test.database.query(`drop role ${roles}`);
    await test.close();
  };
  return {
    ...test,
    role,
    url,
    doctor,
    another,
    close,
    ask: async (code, options) => of(code, await doctor.examine({ only: [code], ...options })),
  };
}

export const of = (code: FindingCode, findings: Finding[]): Finding[] =>
  findings.filter((finding) => finding.code === code);

export const ailing = (findings: Finding[]): string[] =>
  findings.filter(({ level }) => level !== 'ok').map(({ code }) => code);

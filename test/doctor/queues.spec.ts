import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { lookAtRetention } from '../../lib/doctor/retention-check.js';
import { Diagnosis } from '../../lib/storage/diagnosis/diagnosis.js';
import { cli } from '../support/cli.js';
import { aPractice, of, type Practice } from './a-doctor.js';

let practice: Practice;

beforeAll(async () => void (practice = await aPractice()));
afterAll(() => practice.close());
beforeEach(async () => {
  await practice.rows.clear();
  await practice.database.query('update simple_queue.queue set paused_at = null');
});

const query = (text: string, values?: unknown[]) => practice.database.query(text, values);
const only = async (...[code]: Parameters<Practice['ask']>) => {
  const findings = await practice.ask(code);
  expect(findings).toHaveLength(1);
  return findings[0]!;
};

describe('queues', () => {
  it('names what waits and is served by nobody', async () => {
    await practice.rows.jobs(2, { queue: 'orphans', name: 'old' });
    await practice.rows.job({ queue: 'orphans', name: 'later', state: 'scheduled' });
    expect(await only('NO_WORKER')).toMatchObject({
      level: 'warning',
      found: 'No worker is alive, and 2 jobs wait.',
    });
    const { id } = await practice.rows.lane('orphans', 'later');
    await query('update simple_queue.lease set lanes = array[$2::int] where id = $1', [
      await practice.rows.lease(),
      id,
    ]);
    expect(await only('NO_HANDLER')).toMatchObject({
      found: expect.stringMatching(
        /^No live worker has a handler for "old" of queue "orphans": 2 jobs wait/,
      ),
    });
    await query(
      `update simple_queue.queue set paused_at = now() - interval '3 hours' where name = 'orphans'`,
    );
    expect((await only('NO_HANDLER')).level).toBe('warning');
    expect(await only('PAUSED_QUEUES')).toMatchObject({
      level: 'warning',
      found: 'Queue "orphans" is paused for 3 hours: 2 jobs wait.',
    });
  });

  it('names what status names, with the same words and the command that puts it right', async () => {
    await practice.rows.job({
      state: 'running',
      lease: await practice.rows.lease('-10 minutes', 'host:9'),
    });
    expect(await only('WORKER_SILENT')).toMatchObject({
      level: 'warning',
      found: 'Worker host:9 is silent for 10 minutes beyond its lease, and holds 1 job.',
      advice: expect.stringContaining('`npx --no simple-queue maintain`'),
    });
    expect(await only('LOST_JOBS')).toMatchObject({ level: 'ok' });
  });

  it('names suspects', async () => {
    await practice.rows.jobs(2, { queue: 'mail', state: 'suspect' });
    expect(await only('SUSPECTS')).toMatchObject({
      level: 'notice',
      found: expect.stringContaining('2 jobs of queue "mail" are suspected'),
    });
  });

  it('names jobs that were poisoned lately, and no older ones', async () => {
    const { id } = await practice.rows.lane('mail');
    for (const age of ['1 hour', '2 days'])
      await query(
        `insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
         values ($1, 0, 'poisoned', $2, 0, 1, 3, 0, now(), now(), now() - $3::interval, now() + interval '20 days')`,
        [randomUUID(), id, age],
      );
    expect(await only('POISONED_JOBS')).toMatchObject({
      level: 'warning',
      found: expect.stringContaining('1 job of queue "mail" was poisoned'),
    });
  });

  it('names partitions that are missing, and rows in the default one', async () => {
    expect(await only('PARTITIONS')).toMatchObject({ level: 'ok' });
    const [last] = (await query(
      `select relname as name from pg_class where relname ~ '^archive_p' and relkind = 'r' order by 1 desc limit 1`,
    )) as [{ name: string }];
    await query(`drop table simple_queue.${last.name}`);
    const { id } = await practice.rows.lane('mail');
    await query(
      `insert into simple_queue.archive (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at)
       values ($1, 0, 'succeeded', $2, 0, 1, 0, 0, now(), now(), now(), now() + interval '1 year')`,
      [randomUUID(), id],
    );
    const found = (await practice.ask('PARTITIONS')).map((finding) => finding.found);
    expect(found).toEqual([
      expect.stringContaining(`Missing partitions: ${last.name}.`),
      expect.stringContaining('Default partitions hold rows: archive_default (1).'),
    ]);
    await query('truncate simple_queue.archive');
    await practice.storage.partitions.create('archive', last.name);
    expect(await only('PARTITIONS')).toMatchObject({ level: 'ok' });
  });
});

describe('places', () => {
  const repairsIn = (advice: string): string[] =>
    advice
      .replace(/^[^:]+: /, '')
      .replace(/\..[A-Z].*$|\.$/, '')
      .split('; ');

  const aDiagnosis = (): Diagnosis =>
    new Diagnosis(practice.storage.database, { schema: 'simple_queue', timeoutMs: 60_000 });

  it('names jobs whose lane somebody has deleted, and the statement puts it back', async () => {
    const { id, lane } = await practice.rows.job({ queue: 'mail', name: '' });
    await query('delete from simple_queue.lane where id = $1', [lane]);
    const finding = await only('PLACES');
    expect(finding).toMatchObject({
      level: 'critical',
      found: `1 job of queue "mail" has no lane, since somebody has deleted its row: nobody runs it (${id}).`,
    });
    const repair = /insert into .*?\)(?=\.$)/.exec(finding.advice)![0];
    const { reasons } = await new QueueAdmin(practice.storage, practice.options).explain(id);
    expect(reasons).toMatchObject([{ code: 'NO_LANE', text: expect.stringContaining(repair) }]);
    await query(repair);
    expect(await only('PLACES')).toMatchObject({ level: 'ok' });
    expect(await query('select id from simple_queue.jobs')).toEqual([{ id }]);
  });

  it('names partitions that nobody drops, and the command does', async () => {
    await query(`create table simple_queue.archive_p20200101 partition of simple_queue.archive for values from ('2020-01-01') to ('2020-01-02')`); // prettier-ignore
    const finding = await only('PARTITIONS');
    expect(finding).toMatchObject({
      level: 'warning',
      found:
        'Partitions whose time is over are still there: archive_p20200101. They fill the disk.',
    });
    const command = /`npx --no simple-queue ([^`]*)`/.exec(finding.advice)![1]!;
    const { url } = practice.database;
    expect(await cli(command.split(' '), { env: { DATABASE_URL: url } })).toMatchObject({
      code: 0,
    });
    expect(await only('PARTITIONS')).toMatchObject({ level: 'ok' });
  });

  it('names what has ended where it takes much more than all that lives', async () => {
    const sized = (name: string, gigabytes: number) => ({ name, bytes: gigabytes * 1024 ** 3 });
    const look = async (...tables: object[]) => {
      const diagnosis = { vacuums: () => Promise.resolve(tables), run: practice.storage.database.callers.run }; // prettier-ignore
      const { options, storage } = practice;
      return lookAtRetention({ diagnosis, options, partitions: storage.partitions } as never);
    };
    const [job, tally] = [sized('job', 0.25), sized('tally_p20260101', 9)];
    const archive = sized('archive_p20260101', 2);
    expect(await look(job, tally, archive)).toEqual([]);
    expect(await look(job, tally, archive, sized('archive_default', 1))).toMatchObject([
      {
        level: 'notice',
        found: 'Jobs that ended take 3 GB, and all others 256 MB.',
        advice: expect.stringContaining('`npx --no simple-queue purge --state succeeded --finished-before 1d`'), // prettier-ignore
      },
    ]);
    const [finding] = await look(job, sized('dead_letter_p20260101', 4));
    expect(finding!.advice).toContain('--state dead ');
    const command = /simple-queue (purge [^`]*)`/.exec(finding!.advice)![1]!;
    const counted = await cli(command.split(' '), { env: { DATABASE_URL: practice.database.url } });
    expect(counted).toMatchObject({ code: 0, err: expect.stringContaining('--yes') });
  });

  it('names a job that stands in no place, and how to put it back', async () => {
    const [job] = await practice.rows.jobs(1);
    await query('delete from simple_queue.ready where id = $1', [job!.id]);
    const finding = await only('PLACES');
    expect(finding).toMatchObject({
      level: 'critical',
      found: `1 live job is in no place, and will never run: ${job!.id}.`,
    });
    expect(finding.advice).toContain('`npx --no simple-queue redrive --state lost --yes`');
  });

  it('names rows of jobs that are gone, and how to delete them', async () => {
    const [job, other] = await practice.rows.jobs(2, { state: 'scheduled' });
    await query('delete from simple_queue.job where id = $1', [job!.id]);
    const finding = await only('PLACES');
    expect(finding).toMatchObject({
      level: 'warning',
      found: `1 row of scheduled belongs to no live job by lane and key: ${job!.id}.`,
    });
    for (const repair of repairsIn(finding.advice)) await query(repair);
    expect(await only('PLACES')).toMatchObject({ level: 'ok' });
    expect(await query('select id from simple_queue.scheduled')).toEqual([{ id: other!.id }]);
  });

  it.each([
    ['ready', 'priority = 99', {}],
    ['ready', 'lane = lane + 1', {}],
    ['scheduled', 'lane = lane + 1', { state: 'scheduled' }],
    ['suspect', `run_at = run_at - interval '1 second'`, { state: 'suspect' }],
  ] as const)(
    'finds a row of %s with %s, by which nobody finds its job',
    async (place, change, kind) => {
      const job = await practice.rows.job(kind);
      await query(`update simple_queue.${place} set ${change} where id = $1`, [job.id]);
      const [lost, stray] = await practice.ask('PLACES');
      expect(lost!.found).toBe(`1 live job is in no place, and will never run: ${job.id}.`);
      expect(stray!.found).toBe(
        `1 row of ${place} belongs to no live job by lane and key: ${job.id}.`,
      );
      for (const repair of repairsIn(stray!.advice)) await query(repair);
      expect(await query(`select id from simple_queue.${place}`)).toEqual([]);
      const diagnosis = aDiagnosis();
      await query(
        `insert into simple_queue.${place} select (jsonb_populate_record(null::simple_queue.${place}, to_jsonb(j))).* from simple_queue.job j`,
      );
      expect(await diagnosis.somePlaces(10)).toEqual([]);
      expect(await diagnosis.allPlaces()).toEqual([]);
      await query(`update simple_queue.${place} set ${change} where id = $1`, [job.id]);
      expect(await diagnosis.somePlaces(10)).toHaveLength(2);
      await diagnosis.close();
    },
  );

  it('names jobs in two places, at the epoch of another run, and groups whose turn nobody holds', async () => {
    const double = await practice.rows.job();
    await query(
      'insert into simple_queue.scheduled select run_at, shard, id, lane, priority, epoch from simple_queue.job where id = $1',
      [double.id],
    );
    const late = await practice.rows.job();
    await query('update simple_queue.ready set epoch = 7 where id = $1', [late.id]);
    await query(`insert into simple_queue.head (group_name, shard, queue) values ('g', 0, 1)`);
    const found = (await practice.ask('PLACES')).map(
      ({ level, found: text }) => `${level}: ${text}`,
    );
    expect(found).toHaveLength(3);
    expect(found[0]).toMatch(
      new RegExp(
        `^critical: 1 live job is in more than one place, and may run twice: ${double.id} \\(`,
      ),
    );
    expect(found[1]).toContain(`${late.id} (ready@7, and should be @0)`);
    expect(found[2]).toMatch(
      /^critical: The turn of 1 ordered group is not held by exactly one: .*group 1 g: turn held 0 times/,
    );
  });

  it('finds the same in a part of tables that are too large to be read whole', async () => {
    const [lost, double, late, gone] = await practice.rows.jobs(4);
    await practice.rows.job({ state: 'running' });
    await practice.rows.job({ state: 'suspect' });
    await practice.rows.job({ state: 'scheduled' });
    await query('delete from simple_queue.ready where id = $1', [lost!.id]);
    await query(
      'insert into simple_queue.staged select id, shard, lane, epoch from simple_queue.job where id = $1',
      [double!.id],
    );
    await query('update simple_queue.ready set epoch = 7 where id = $1', [late!.id]);
    await query('delete from simple_queue.job where id = $1', [gone!.id]);
    const diagnosis = aDiagnosis();
    const byId = (a: { id: string | null }, b: { id: string | null }) => a.id!.localeCompare(b.id!);
    const some = (await diagnosis.somePlaces(1_000)).map((breach) => ({
      ...breach,
      places: breach.places!.toSorted(),
    }));
    const all = (await diagnosis.allPlaces()).map((breach) => ({
      ...breach,
      places: (breach.places ?? []).toSorted(),
    }));
    expect(some.toSorted(byId)).toEqual(all.toSorted(byId));
    expect(some.map(({ id }) => id).toSorted()).toEqual(
      [lost!.id, double!.id, late!.id, gone!.id].toSorted(),
    );
    await diagnosis.close();
  });
});

it('never fails where a name is hostile', async () => {
  await practice.database.query(
    'alter table simple_queue.queue drop constraint queue_name_check; alter table simple_queue.lane drop constraint lane_name_check',
  );
  await practice.rows.job({ queue: `a"b'; drop table`, name: '\u202Ebad' });
  expect(of('NO_WORKER', await practice.doctor.examine())[0]!.level).toBe('warning');
});

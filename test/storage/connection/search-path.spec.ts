import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { aDataSource, aStorage, openStorage, type TestStorage } from '../../support/storage.js';

let test: TestStorage;

beforeAll(async () => void (test = await aStorage()));
afterAll(() => test.close());

it('of a connection of ours finds no function that somebody else has put into a schema that all may write to', async () => {
  await test.database.query(`create table public.caught (by text)`);
  for (const [name, type] of [
    ['unnest', 'uuid[]'],
    ['cardinality', 'uuid[]'],
    ['cardinality', 'int[]'],
  ])
    // prettier-ignore
    await test.database.query(
      `create function public.${name}(${type}) returns ${name === 'unnest' ? 'setof uuid' : 'int'} language plpgsql as
        $$begin insert into public.caught values ('${name}'); return${name === 'unnest' ? '' : ' 0'}; end$$`,
    );
  const dataSource = await aDataSource(test.database.url);
  const storage = await openStorage(dataSource);
  const { id, lane } = await test.rows.job({ queue: 'mail' });
  const ranges = [
    {
      priority: -32_768,
      runAt: '-infinity',
      id: '00000000-0000-0000-0000-000000000000',
      upto: 32_767,
    },
  ];
  const wish = { claimId: id, lease: id, lanes: [{ lane, wanted: 1, ranges }], limit: 1 };
  const { jobs } = await storage.claims.settleAndClaim('w', [], [], wish);
  await storage.claims.settleAndClaim(
    'w',
    [{ id, epoch: jobs[0]!.epoch, runMs: 1, keepMs: undefined, output: undefined }],
    [id],
    {
      ...wish,
      lanes: [],
      limit: 0,
    },
  );
  expect(await test.database.query('select by from public.caught')).toEqual([]);
  expect(await test.database.query('select from simple_queue.job')).toEqual([]);
  await storage.onApplicationShutdown();
  await dataSource.destroy();
});

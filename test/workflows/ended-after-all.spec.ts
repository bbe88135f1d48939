import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { QueryResultRow } from 'pg';
import { QueueAdmin } from '../../lib/admin/queue-admin.js';
import { QueueDoctor } from '../../lib/doctor/queue-doctor.js';
import { DUTIES, roundsOf } from '../../lib/maintenance/duties.js';
import { QueueService } from '../../lib/queue.service.js';
import { workflow } from '../../lib/workflows/builder.js';
import { aSite } from '../support/site.js';
import { aWorkflowRig, type WorkflowRig } from '../support/workflows.js';

/** No loop turns here: each statement is one of this test, and nothing happens between two of them. */
describe('a workflow', () => {
  let { test, workflows, advancer } = {} as WorkflowRig;

  beforeAll(async () => {
    ({ test, workflows, advancer } = await aWorkflowRig());
  });
  afterAll(() => test.close());

  const query = <Row extends QueryResultRow>(sql: string, values: unknown[] = []) =>
    test.database.query<Row>(sql, values);
  const jobsOf = async (id: string, step: string): Promise<string[]> =>
    (await workflows.find(id))!.steps.find(({ name }) => name === step)!.ids;
  const jobOf = async (id: string, step = 'a') => (await jobsOf(id, step))[0]!;
  const live = async (id: string, step: string): Promise<number> =>
    (await query('select id from simple_queue.job where id = any($1)', [await jobsOf(id, step)])).length; // prettier-ignore
  const succeed = async (id: string) =>
    test.storage.workflows.settle('w', [
      { id, epoch: 0, runMs: 1, keepMs: undefined, output: '1' },
    ]);
  /** A step ends without success: as of a failure, its workflow hears of it by an arrival. */
  const end = (id: string) => test.storage.cancels.byId(test.storage.database.loops.run, [id], {});
  const advance = async () => {
    while ((await advancer.round()) === 0);
  };
  const statesOf = async (id: string) =>
    (await workflows.find(id))!.steps.map(({ name, state }) => `${name} ${state}`);

  describe('that is to stop begins nothing more', () => {
    it.each(['failed', 'ended'] as const)(
      'for what follows the failure that stops it (when: %s)',
      async (when) => {
        const flow = workflow('stops')
          .each('a', 'work', [1, 2])
          .step('alert', 'work', 3, { after: 'a', when })
          .step('held', 'work', 4, { after: 'a', when, group: 'g', ordered: true })
          .each('none', 'work', [], { after: 'a', when })
          .step('last', 'work', 5, { after: ['none', 'alert'], when: 'ended' });
        const { id } = await workflows.start(flow, { onFailure: 'cancel' });
        const [first, second] = await jobsOf(id, 'a');
        await end(first!);
        await test.storage.workflows.arrivals.take();
        expect(await workflows.find(id)).toMatchObject({ state: 'running', stop: 'failed' });

        // Its sibling ends before anybody has stopped what is left.
        await succeed(second!);
        expect([await live(id, 'alert'), await live(id, 'held')]).toEqual([0, 0]);
        await advance();
        expect(await workflows.find(id)).toMatchObject({ state: 'failed', stop: 'failed' });
        expect((await statesOf(id)).slice(1)).toEqual(['alert skipped', 'held skipped', 'none skipped', 'last skipped']); // prettier-ignore
        expect(await query('select kind from simple_queue.arrival')).toEqual([]);
      },
    );

    it('and has ended with its only failure, without anything left to stop', async () => {
      const { id } = await workflows.start(workflow('one').step('a', 'work', 1), { onFailure: 'cancel' }); // prettier-ignore
      await end(await jobOf(id));
      await test.storage.workflows.arrivals.take();
      expect(await workflows.find(id)).toMatchObject({ state: 'failed', stop: 'failed' });
      expect(await query('select kind from simple_queue.arrival')).toEqual([]);
    });

    it('from the commit of its cancel on, and from its deadline on', async () => {
      const flow = workflow('asked').step('a', 'work', 1).step('b', 'work', 2, { after: 'a' });
      const { id: asked } = await workflows.start(flow);
      await test.storage.workflows.askToStop(test.storage.database.loops.run, asked, 'cancelled');
      const { id: late } = await workflows.start(flow, { deadlineMs: '1 h' });
      await query(`update simple_queue.workflow set deadline_at = now() where id = $1`, [late]);
      for (const id of [asked, late]) {
        await succeed(await jobOf(id));
        expect(await live(id, 'b')).toBe(0);
      }
      await advance();
      expect(await workflows.find(asked)).toMatchObject({ state: 'cancelled', stop: 'cancelled' });
      expect(await workflows.find(late)).toMatchObject({ state: 'failed', stop: 'expired' });
    });

    it('of stages that were about to begin, whoever looks at them first', async () => {
      const flow = workflow('about')
        .step('a', 'work', 1)
        .step('held', 'work', 2, { after: 'a', group: 'g', ordered: true })
        .each('none', 'work', [], { after: 'a' });
      const { id } = await workflows.start(flow);
      await succeed(await jobOf(id));
      await test.storage.workflows.askToStop(test.storage.database.loops.run, id, 'cancelled');
      await advance();
      expect(await workflows.find(id)).toMatchObject({ state: 'cancelled' });
      expect(await statesOf(id)).toEqual(['a succeeded', 'held skipped', 'none skipped']);
      expect(await query('select kind from simple_queue.arrival')).toEqual([]);
    });
  });

  describe('whose step is gone, since somebody has deleted its row, ends all the same', () => {
    const flow = (name: string) =>
      workflow(name)
        .step('a', 'work', 1)
        .step('b', 'work', 2, { after: 'a' })
        .step('c', 'work', 3, { after: 'a', when: 'failed' });
    const drop = async (id: string) => {
      for (const place of ['ready', 'scheduled', 'job'])
        await query(`delete from simple_queue.${place} where id = $1`, [id]);
    };
    const left = async (name: string, options = {}) => {
      const { id } = await workflows.start(flow(name), options);
      await drop(await jobOf(id));
      return id;
    };
    /** As \`maintain\` and workers do: each duty until it rests. */
    const maintain = async () => {
      const rounds = roundsOf(aSite(test));
      for (const { name } of DUTIES) while ((await rounds[name]()) === 0);
    };

    it('when it is cancelled, or late: its key is free, and it can be retried', async () => {
      const cancelled = await left('cancelled', { uniqueKey: 'k' });
      expect(await workflows.cancel(cancelled)).toBe(true);
      expect(await workflows.find(cancelled)).toMatchObject({ state: 'cancelled', stop: 'cancelled' }); // prettier-ignore
      expect((await workflows.find(cancelled))!.steps[0]).toMatchObject({ state: 'cancelled', error: { code: 'JOB_UNKNOWN' } }); // prettier-ignore

      const late = await left('late', { deadlineMs: '1 h' });
      await query(`update simple_queue.workflow set deadline_at = now() where id = $1`, [late]);
      await advance();
      expect(await workflows.find(late)).toMatchObject({ state: 'failed', stop: 'expired' });

      const { id, created } = await workflows.start(flow('cancelled'), { uniqueKey: 'k' });
      expect(created).toBe(true);
      await workflows.cancel(id);
      await workflows.retry(cancelled);
      await succeed(await jobOf(cancelled));
      await succeed(await jobOf(cancelled, 'b'));
      await advance();
      expect(await workflows.find(cancelled)).toMatchObject({ state: 'succeeded', attempt: 2 });
    });

    it('when nobody does anything: troubles and doctor name it, and what they advise ends it', async () => {
      const admin = new QueueAdmin(test.storage, test.options);
      const doctor = new QueueDoctor(test.storage, test.options);
      const troubles = async () => (await admin.troubles()).filter(({ code }) => code === 'WORKFLOWS'); // prettier-ignore
      expect(await troubles()).toEqual([]);
      const ids = [await left('left'), await left('left')];
      const { id: well } = await workflows.start(flow('well'));
      const { id: about } = await workflows.start(
        workflow('about').each('none', 'work', []).step('held', 'work', 1, { group: 'g', ordered: true, after: 'none' }), // prettier-ignore
      );
      expect(await troubles()).toMatchObject([
        { level: 'warning', count: 2, fix: 'npx --no simple-queue maintain', text: expect.stringContaining(ids[1]!) }, // prettier-ignore
      ]);
      expect(await doctor.examine({ only: ['WORKFLOWS'] })).toMatchObject([
        { level: 'warning', found: expect.stringContaining(ids[0]!), advice: expect.stringContaining('npx --no simple-queue maintain') }, // prettier-ignore
      ]);

      await maintain();
      expect(await troubles()).toEqual([]);
      // What waited for a failure has begun, and what waited for the success is skipped.
      for (const id of ids) {
        expect(await statesOf(id)).toEqual(['a cancelled', 'b skipped', 'c running']);
        await succeed(await jobOf(id, 'c'));
        expect(await workflows.find(id)).toMatchObject({ state: 'failed' });
      }
      expect(await statesOf(well)).toEqual(['a running', 'b waiting', 'c waiting']);
      expect((await statesOf(about))[1]).toBe('held running');
      for (const id of [well, about]) await workflows.cancel(id);
    });

    it('with what became of it, where its end is kept and only the word of it is gone', async () => {
      const ids: string[] = [];
      for (const state of ['succeeded', 'failed']) {
        const { id } = await workflows.start(flow(`kept-${state}`));
        const job = await jobOf(id);
        if (state === 'failed') await end(job);
        else await test.storage.workflows.settle('w', [{ id: job, epoch: 0, runMs: 1, keepMs: 60_000, output: '7' }]); // prettier-ignore
        await query('delete from simple_queue.arrival');
        await query('update simple_queue.step set state = null, output = null, ended_at = null where id = $1', [job]); // prettier-ignore
        await query('update simple_queue.stage set open = 1 where workflow = $1 and n = 0', [id]);
        ids.push(id);
      }
      await maintain();
      const found = await Promise.all(ids.map((id) => workflows.find(id)));
      expect(found.map((flow) => flow!.steps[0]!.state)).toEqual(['succeeded', 'cancelled']);
      for (const id of ids) await workflows.cancel(id);
    });

    it('page by page, however many run', async () => {
      const running = Array.from({ length: 3 }, (_, n) => `many-${n}`);
      const ids = [];
      for (const name of running) ids.push(await left(name));
      // As many jobs as end a page.
      await query(`update simple_queue.workflow set jobs = 10000 where id = any($1)`, [ids]);
      const { vanished } = test.storage.workflows;
      expect([await vanished.endSome(), await vanished.endSome(), await vanished.endSome()]).toEqual([1, 1, 0]); // prettier-ignore
      await advance();
      for (const id of ids) expect((await statesOf(id))[0]).toBe('a cancelled');
      for (const id of ids) await workflows.cancel(id);
    });
  });

  describe('whose step is a dead letter', () => {
    const flow = (name: string) =>
      workflow(name).step('a', 'dead', 1).step('b', 'dead', 2, { after: 'a' });
    const adminOf = () => new QueueAdmin(test.storage, test.options);
    const dead = async (id: string) => {
      const job = await jobOf(id);
      const gone = await query<{ lane: number }>('delete from simple_queue.job where id = $1 returning lane', [job]); // prettier-ignore
      await query('delete from simple_queue.ready where id = $1', [job]);
      await query(
        `insert into simple_queue.dead_letter (id, shard, state, lane, priority, attempt, stalls, reschedules, created_at, run_at, finished_at, expires_at, payload, options)
         values ($1, 0, 'failed', $2, 0, 3, 0, 0, now(), now(), now(), now() + interval '1 day', '1', jsonb_build_object('workflowId', $3::text, 'step', 'a'))`,
        [job, gone[0]!.lane, id],
      );
      await test.storage.workflows.vanished.end(id);
      await advance();
      expect(await workflows.find(id)).toMatchObject({ state: 'failed' });
      return job;
    };
    const failed = async (name: string) => {
      const { id } = await workflows.start(flow(name));
      return { id, job: await dead(id) };
    };

    it('is what troubles advise to retry; by itself the job is not run again, by none of the doors', async () => {
      const { id, job } = await failed('advice');
      const { id: plain } = await new QueueService(test.storage, test.options, test.events).enqueue('dead', 7); // prettier-ignore
      const admin = adminOf();
      const troubles = (await admin.troubles()).filter(({ queue }) => queue === 'dead');
      expect(troubles.map(({ code, count, fix }) => [code, count, fix])).toContainEqual(['FAILED_WORKFLOWS', 1, `npx --no simple-queue workflows retry ${id}`]); // prettier-ignore
      expect(troubles.map(({ code }) => code)).not.toContain('DEAD_LETTERS');
      expect((await admin.explain(job)).troubles.map(({ fix }) => fix)).toContain(`npx --no simple-queue workflows retry ${id}`); // prettier-ignore

      await expect(admin.retry(job)).rejects.toMatchObject({ code: 'JOB_IS_STEP', message: expect.stringContaining(`workflows retry ${id}`) }); // prettier-ignore
      for (const dryRun of [true, false])
        expect(await admin.redrive({ queue: 'dead' }, { dryRun })).toEqual({ revived: 0, keyTaken: 0, gone: 0, steps: 1 }); // prettier-ignore
      expect(await live(id, 'a')).toBe(0);

      expect(await workflows.retry(id)).toBe(2);
      expect(await jobOf(id)).toBe(job);
      await expect(admin.retry(job)).resolves.toMatchObject({ outcome: 'ready' });
      expect(await admin.retry(plain)).toMatchObject({ outcome: 'ready' });
      await workflows.cancel(id);
    });

    it('and no longer kept has left an ordinary dead letter, which is run again as any', async () => {
      const { id, job } = await failed('let-go');
      await query('delete from simple_queue.step where workflow = $1', [id]);
      await query('delete from simple_queue.workflow where id = $1', [id]);
      const codes = (await adminOf().troubles()).map(({ code, queue }) => [code, queue]);
      expect(codes).toContainEqual(['DEAD_LETTERS', 'dead']);
      expect(await adminOf().retry(job)).toMatchObject({ outcome: 'revived' });
      await adminOf().cancel({ queue: 'dead', state: 'ready' }, {});
    });

    it.each(['lives', 'has succeeded'])(
      'and that %s again already is not made twice by another attempt',
      async (what) => {
        const { id, job } = await failed('adopted');
        expect(await test.storage.revivals.revive([job], ['failed'])).toHaveLength(1);
        const [{ epoch }] = (await query<{ epoch: number }>('select epoch from simple_queue.job where id = $1', [job])) as [{ epoch: number }]; // prettier-ignore
        const done = () => test.storage.workflows.settle('w', [{ id: job, epoch, runMs: 1, keepMs: 60_000, output: '7' }]); // prettier-ignore
        if (what === 'has succeeded') expect((await done()).lost).toEqual([]);
        await workflows.retry(id);
        expect(await jobsOf(id, 'a')).toEqual([job]);
        if (what === 'lives') expect((await done()).lost).toEqual([]);
        await advance();
        expect(await statesOf(id)).toEqual(['a succeeded', 'b running']);
        expect(await workflows.upstream({ id: await jobOf(id, 'b') })).toEqual({ a: 7 });
        await succeed(await jobOf(id, 'b'));
        expect(await workflows.find(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
      },
    );
  });

  it('has its deadline again in its next attempt, counted from there', async () => {
    const flow = workflow('again').step('a', 'work', 1, { delayMs: '1 h' });
    const { id } = await workflows.start(flow, { deadlineMs: '2 h' });
    const soon = `update simple_queue.workflow set deadline_at = now() where id = $1`;
    for (const attempt of [1, 2]) {
      await query(soon, [id]);
      await advance();
      expect(await workflows.find(id)).toMatchObject({ state: 'failed', stop: 'expired', attempt });
      await workflows.retry(id);
      const { deadlineAt, stop } = (await workflows.find(id))!;
      const [{ left }] = (await query<{ left: number }>('select extract(epoch from $1::timestamptz - now()) / 60 as left', [deadlineAt])) as [{ left: number }]; // prettier-ignore
      expect(stop).toBeUndefined();
      expect(Math.round(Number(left) / 60)).toBe(2);
    }
    await workflows.cancel(id);
  });
});

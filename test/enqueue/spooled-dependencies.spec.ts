import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { CheckedJob } from '../../lib/enqueue/new-job.js';
import { recordOf } from '../../lib/enqueue/spooled-call.js';
import { QueueEventBus } from '../../lib/observability/events.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { QueueService } from '../../lib/queue.service.js';
import { Spool } from '../../lib/spool/spool.js';
import { workflow } from '../../lib/workflows/builder.js';
import { QueueWorkflows } from '../../lib/workflows/queue-workflows.js';
import { aGate } from '../support/gate.js';
import { SpoolRig } from '../support/spool-rig.js';
import { openStorage } from '../support/storage.js';

const HOUR_MS = 3_600_000;

/** A job was acknowledged, lies on the disk, and the database is there: what names it would be stored before it. */
describe('what names a job that lies on the disk', () => {
  const rig = new SpoolRig();
  const onDisk = (id: string) => ({
    code: 'DATABASE_UNAVAILABLE',
    message: expect.stringContaining(`Job ${id} lies in the spool`) as unknown,
  });
  const recordFor = (id: string, payload = '"first"') =>
    recordOf({ at: Date.now(), jobs: [{ id, queue: 'mail', name: '', labels: [], payload, priority: 0 } as unknown as CheckedJob] }); // prettier-ignore
  /** Nobody looks at the folder, so that nothing is replayed until somebody says so. */
  const started = (name: string) => rig.start(name, undefined, { heartbeatIntervalMs: HOUR_MS, leaseMs: 10 * HOUR_MS }); // prettier-ignore
  const start = (id: string) => {
    const flows = new QueueWorkflows(rig.storage, resolveOptions({}).options, new QueueEventBus());
    return flows.start(workflow('w').job('first', id).step('then', 'mail', 'flow', { after: 'first' })); // prettier-ignore
  };

  it('is refused with the reason, also in a transaction, and is taken when that is replayed', async () => {
    await started('own');
    const [id, gate] = [randomUUID(), aGate()];
    const { replays } = rig.storage;
    const probe = replays.probe.bind(replays);
    replays.probe = () => gate.passed.then(probe);
    await rig.spool.append(recordFor(id));
    await expect(rig.enqueue('dependent', { dependsOn: [id.toUpperCase()] })).rejects.toMatchObject(onDisk(id)); // prettier-ignore
    await rig.dataSource.transaction(
      (manager) =>
      expect(rig.enqueue('dependent', { dependsOn: [id] }, { manager })).rejects.toMatchObject(onDisk(id)), // prettier-ignore
    );
    await expect(start(id)).rejects.toMatchObject(onDisk(id));
    expect(await rig.stored()).toEqual([]);
    gate.open();
    await rig.enqueue('behind it');
    await rig.isOver();
    expect(await rig.enqueue('dependent', { dependsOn: [id] })).toBe('created');
    expect(await start(id)).toMatchObject({ created: true });
    expect([...(await rig.stored())].sort()).toEqual(['behind it', 'dependent', 'first']);
  });

  it('cannot be cancelled or changed: it would run as it was', async () => {
    const folder = join(rig.root, 'named');
    const { options } = resolveOptions({ spool: { folder } });
    const storage = await openStorage(rig.dataSource, { spool: { folder } });
    const [id, gate] = [randomUUID(), aGate()];
    storage.replays.probe = () => gate.passed;
    const queues = new QueueService(storage, options, new QueueEventBus());
    await storage.spool!.append(recordFor(id));
    await expect(queues.cancel({ id: id.toUpperCase() })).rejects.toMatchObject(onDisk(id));
    await expect(queues.change(id, { priority: 1 })).rejects.toMatchObject(onDisk(id));
    expect(await queues.cancel({ id: randomUUID() })).toMatchObject({ cancelled: 0 });
    gate.open();
    await storage.onApplicationShutdown();
  });

  it('is refused while that is put aside, or another process has it', async () => {
    const folder = await started('aside');
    const [aside, others, mentioned] = [randomUUID(), randomUUID(), randomUUID()];
    const spool = await Spool.open({ folder, maxBytes: 65_536, database: 'same', staleMs: HOUR_MS, warn: () => undefined }); // prettier-ignore
    await spool.keepAside([recordFor(aside)], true);
    await spool.append(recordFor(others, JSON.stringify({ id: mentioned })));
    for (const id of [aside, others])
      await expect(rig.enqueue('dependent', { dependsOn: [randomUUID(), id] })).rejects.toMatchObject(onDisk(id)); // prettier-ignore
    await expect(start(others)).rejects.toMatchObject(onDisk(others));
    await expect(start(mentioned)).rejects.toMatchObject({ code: 'DEPENDENCY_UNKNOWN' });
    await spool.close();
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { TestDatabase } from '../../test/support/database.js';
import { aDatabase } from '../../test/support/template.js';
import { EdgeModule } from './edge.module.js';

const TOKEN = 'a-token-of-a-test-and-no-other';

describe('the edge', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let url: string;
  let queue: JobQueue;

  beforeAll(async () => {
    database = await aDatabase();
    app = await NestFactory.create(
      EdgeModule.forRoot({ databaseUrl: database.url, token: TOKEN, queues: ['open'] }),
      {
        logger: false,
      },
    );
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    url = `http://127.0.0.1:${port}`;
    queue = app.get(JobQueue);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const post = async (
    path: string,
    body: unknown,
    authorization = `Bearer ${TOKEN}`,
    workerId = 'w',
  ) => {
    const headers = { 'content-type': 'application/json', authorization, 'x-worker-id': workerId };
    const response = await fetch(url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text ? JSON.parse(text) : undefined) as Record<string, unknown>,
    };
  };
  const claim = async (form: object = {}) => {
    const { body } = await post('/claims', { workerId: 'w', ...form });
    return body as { leaseId: string; jobs: { id: string }[] };
  };

  it.each([
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Basic ${TOKEN}`,
    `bearer ${TOKEN} x`,
  ])('lets nobody in with "%s"', async (authorization) => {
    const { id } = await queue.enqueue('open', 1);
    for (const path of [
      '/claims',
      `/leases/${id}/renew`,
      `/leases/${id}/jobs/${id}/complete`,
      `/leases/${id}/jobs/${id}/fail`,
    ])
      expect(await post(path, { workerId: 'w' }, authorization)).toMatchObject({ status: 401 });
    expect(await queue.cancel(id)).toEqual({ cancelled: 1, requested: 0 });
  });

  it('gives out the jobs of its queues, and of no other', async () => {
    const { id: secret } = await queue.enqueue('payroll', 1);
    expect((await claim({ queues: ['*'], limit: 9 })).jobs).toEqual([]);
    expect(await queue.find(secret)).toMatchObject({ state: 'ready' });
  });

  it('claims, renews, completes, fails and releases', async () => {
    const ids = [];
    for (const n of [1, 2, 3])
      ids.push((await queue.enqueue('open', n, { payloadBytes: Buffer.from('hi') })).id);
    const { leaseId, jobs } = await claim({ limit: 3 });
    expect(jobs).toMatchObject(ids.map((id) => ({ id, payloadBytes: 'aGk=' })));
    const lease = `/leases/${leaseId}`;
    await queue.cancel(ids[2]!);
    expect(await post(`${lease}/renew`, { leaseMs: 60_000 })).toEqual({
      status: 200,
      body: { lost: [], cancelled: [ids[2]] },
    });
    expect(await post(`${lease}/jobs/${ids[0]}/complete`, { outputs: { n: 1 } })).toEqual({
      status: 204,
      body: undefined,
    });
    const failure = { error: { name: 'ValueError', message: 'no' }, retryable: false };
    expect(await post(`${lease}/jobs/${ids[1]}/fail`, failure)).toEqual({
      status: 200,
      body: { state: 'failed' },
    });
    expect(await post(`${lease}/jobs/${ids[2]}/release`, {})).toEqual({
      status: 200,
      body: { state: 'cancelled' },
    });
    expect(await queue.find(ids[0]!)).toMatchObject({
      state: 'succeeded',
      output: { n: 1 },
      worker: 'w',
    });
    expect(await queue.find(ids[1]!)).toMatchObject({
      state: 'failed',
      lastError: { name: 'ValueError', message: 'no' },
    });
  });

  it('takes a lease from the worker that claimed it alone, and none that it did not give out', async () => {
    const [open, secret] = [await queue.enqueue('open', 1), await queue.enqueue('wages', 2)];
    const { leaseId } = await claim();
    const foreign = await queue.claim({ workerId: 'w', queues: ['wages'] });
    const attempts: [string, string, string][] = [
      [leaseId, 'other', open.id],
      [leaseId.split('.')[0]!, 'w', open.id],
      [`${leaseId}x`, 'w', open.id],
      [foreign.leaseId, 'w', secret.id],
      [leaseId.replace(/^[^.]+/, foreign.leaseId), 'w', secret.id],
    ];
    for (const [lease, worker, job] of attempts)
      for (const [path, body] of [
        ['renew', { leaseMs: 1_000 }],
        [`jobs/${job}/complete`, {}],
        [`jobs/${job}/fail`, {}],
        [`jobs/${job}/release`, {}],
      ] as const)
        expect(
          await post(`/leases/${lease}/${path}`, body, `Bearer ${TOKEN}`, worker),
        ).toMatchObject({ status: 404 });
    expect([await queue.find(open.id), await queue.find(secret.id)]).toMatchObject([
      { state: 'running' },
      { state: 'running' },
    ]);
    expect(await post(`/leases/${leaseId}/jobs/${open.id}/release`, {})).toMatchObject({
      status: 200,
    });
    await queue.complete(foreign.leaseId, secret.id);
    await queue.cancel(open.id);
  });

  it('tells a worker what it did wrong', async () => {
    const { id } = await queue.enqueue('open', 1);
    const { leaseId } = await claim();
    const job = `/leases/${leaseId}/jobs/${id}`;
    const wrong: [string, unknown, number, string | undefined][] = [
      ['/claims', {}, 400, 'INVALID_OPTION'],
      ['/claims', [], 400, undefined],
      ['/claims', { workerId: 'w', limit: 1e9 }, 400, 'INVALID_OPTION'],
      [`/leases/${leaseId}/renew`, { leaseMs: 'long' }, 400, 'INVALID_OPTION'],
      [`/leases/${randomUUID()}/renew`, { leaseMs: 1_000 }, 404, 'LEASE_UNKNOWN'],
      [`/leases/nonsense/renew`, { leaseMs: 1_000 }, 404, 'LEASE_UNKNOWN'],
      [`/leases/${leaseId}/jobs/${randomUUID()}/complete`, {}, 409, 'LEASE_FOREIGN'],
      [`${job}/complete`, { outputs: 'x'.repeat(70_000) }, 413, 'OUTPUT_TOO_LARGE'],
      [`${job}/complete`, { outputs: 'a\0b' }, 400, 'INVALID_OUTPUT'],
    ];
    for (const [path, body, status, code] of wrong)
      expect(await post(path, body)).toMatchObject({ status, body: code ? { code } : {} });
    expect(await post(`${job}/complete`, {})).toMatchObject({ status: 204 });
  });

  it('keeps its own trouble to itself', async () => {
    await database.query('alter table simple_queue.lease rename to gone');
    try {
      const { id } = await queue.enqueue('open', 1);
      expect(await post('/claims', { workerId: 'w' })).toEqual({
        status: 503,
        body: { code: 'UNAVAILABLE', message: 'Try again later.' },
      });
      await queue.cancel(id);
    } finally {
      await database.query('alter table simple_queue.gone rename to lease');
    }
  });
});

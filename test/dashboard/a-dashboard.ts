import { Logger, type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { AddressInfo, Server } from 'node:net';
import { SimpleQueueModule, type SimpleQueueOptions } from 'nestjs-simple-queue';
import { SimpleQueueDashboardModule } from 'nestjs-simple-queue/dashboard';
import { PATIENT, QUICK } from '../support/application.js';
import type { TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';

export type Platform = 'Express' | 'Fastify';

type DashboardOptions = Parameters<typeof SimpleQueueDashboardModule.forRoot>[0];

export interface TestDashboard {
  app: INestApplication;
  /** Where the application is, without a path. */
  origin: string;
  /** Again where the database has not replied in the two seconds that a look has, as the page does. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** As the page itself does it. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

interface Given {
  platform?: Platform;
  dashboard?: DashboardOptions;
  options?: SimpleQueueOptions;
  module?: ModuleMetadata;
  configure?: (app: INestApplication) => unknown;
}

export const OWN = { 'content-type': 'application/json', 'x-simple-queue': '1' };

/** An application with a dashboard, on a port of its own. */
export async function aDashboard(
  { url }: Pick<TestDatabase, 'url'>,
  { platform = 'Express', dashboard, options, module = {}, configure }: Given = {},
): Promise<TestDashboard> {
  Logger.overrideLogger(false);
  const compiled = await Test.createTestingModule({
    ...module,
    imports: [
      TypeOrmModule.forRoot({ type: 'postgres', url, retryAttempts: 0 }),
      SimpleQueueModule.forRoot({ ...QUICK, ...PATIENT, worker: false, ...options }),
      SimpleQueueDashboardModule.forRoot({ access: () => 'all', ...dashboard }),
      ...(module.imports ?? []),
    ],
  }).compile();
  const adapter = platform === 'Fastify' ? new FastifyAdapter() : undefined;
  const app = adapter
    ? compiled.createNestApplication(adapter, { logger: false })
    : compiled.createNestApplication({ logger: false });
  await configure?.(app);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    app,
    origin,
    get: (path, headers = {}) =>
      eventually(async () => {
        const answer = await fetch(origin + path, { headers, redirect: 'manual' });
        if (answer.status === 503) throw new Error(await answer.text());
        return answer;
      }),
    post: (path, body, headers = {}) =>
      fetch(origin + path, {
        method: 'POST',
        headers: { ...OWN, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    close: () => app.close(),
  };
}

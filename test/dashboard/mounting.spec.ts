import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  ForbiddenException,
  Injectable,
  Module,
  VersioningType,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import helmet from 'helmet';
import { get } from 'node:http';
import { map } from 'rxjs';
import { QueueService } from 'nestjs-simple-queue';
import { eventually } from '../support/eventually.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { buildPage } from './a-browser.js';
import { aDashboard, type Platform, type TestDashboard } from './a-dashboard.js';

@Injectable()
class Visitors {
  readonly list = ['ada'];
}

@Module({ providers: [Visitors], exports: [Visitors] })
class VisitorsModule {}

@Injectable()
class OnlyVisitors implements CanActivate {
  constructor(private readonly visitors: Visitors) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    if (this.visitors.list.includes(request.headers['x-user'] ?? '')) return true;
    throw new ForbiddenException('Who are you?');
  }
}

/** What applications put around all of their handlers, at its worst. */
function surround(app: INestApplication): void {
  app.setGlobalPrefix('shop');
  app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
  app.useGlobalInterceptors({
    intercept: (_context, next) => next.handle().pipe(map((data: unknown) => ({ data }))),
  });
  app.useGlobalPipes({
    transform: () => {
      throw new Error('A pipe was asked.');
    },
  });
}

const withHelmet = (app: INestApplication): unknown => app.use(helmet());

describe.each<Platform>(['Express', 'Fastify'])('on %s', (platform) => {
  let database: TestDatabase;
  beforeAll(async () => {
    buildPage();
    database = await aDatabase();
  });
  afterAll(() => database.drop());

  describe.each<[string, string, Parameters<typeof aDashboard>[1]]>([
    ['as it is', '/queues', {}],
    ['at a path of several parts', '/admin/q.s', { dashboard: { path: 'admin/q.s' } }],
    ['at the root', '', { dashboard: { path: '/' } }],
    [
      'behind a prefix, versions, a wrapping interceptor and a global pipe',
      '/shop/queues',
      { configure: surround },
    ],
    ['behind helmet', '/queues', { configure: withHelmet }],
  ])('%s', (_, path, given) => {
    let it_: TestDashboard;
    beforeAll(async () => {
      it_ = await aDashboard(database, { platform, ...given });
      await it_.app.get(QueueService).enqueue('mail', { to: 'ada' });
    });
    afterAll(() => it_.close());

    it('serves its page with its own headers, and relative addresses', async () => {
      const page = await it_.get(path || '/');
      expect(page.status).toBe(200);
      expect(page.headers.get('content-security-policy')).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
      );
      expect(page.headers.get('cache-control')).toContain('no-store');
      const script = /src="([^"]*)"/.exec(await page.text())![1]!;
      const there = new URL(script, `http://proxy/anything${path || '/'}`).pathname;
      expect(there).toBe(`/anything${path}/assets/page.js`);
    });

    it('lets a browser keep its files under their own addresses alone, never under those of another release', async () => {
      const page = await (await it_.get(path || '/')).text();
      const files = [...page.matchAll(/assets\/(page\.\w+)\?(\w+)"/g)];
      expect(files.map(([, name]) => name).sort()).toEqual(['page.css', 'page.js']);
      for (const [, name, version] of files)
        for (const [asked, kept] of [
          [`?${version}`, true],
          ['?000000000000', false],
          ['', false],
        ] as const) {
          const file = await it_.get(`${path}/assets/${name}${asked}`);
          expect(file.status).toBe(200);
          const how = file.headers.get('cache-control');
          expect([how!.includes('immutable'), how!.includes('no-store')]).toEqual([kept, !kept]);
        }
    });

    it('shows what there is, as it is', async () => {
      const found = await it_.get(`${path}/api/overview`);
      expect(found.status).toBe(200);
      expect(await found.json()).toMatchObject({ queues: [{ queue: 'mail' }] });
      const jobs = await it_.get(`${path}/api/jobs?queue=mail&state=ready`);
      const [job] = ((await jobs.json()) as { jobs: object[] }).jobs;
      expect(job).toMatchObject({ queue: 'mail', state: 'ready' });
    });

    it('acts, and shows at once what was done', async () => {
      expect((await it_.post(`${path}/api/pause`, { queue: 'mail' })).status).toBe(200);
      const [queue] = (
        (await (await it_.get(`${path}/api/overview`)).json()) as { queues: [object] }
      ).queues;
      expect(queue).toMatchObject({ paused: true });
      await it_.post(`${path}/api/resume`, { queue: 'mail' });
    });

    it('says that it does not know what is not there', async () => {
      expect((await it_.get(`${path}/api/__proto__`)).status).toBe(404);
      expect((await it_.post(`${path}/api/constructor`, {})).status).toBe(404);
      expect((await it_.get(`${path}/assets/passwd`)).status).toBe(404);
      expect((await it_.get(`${path}/assets/..%2f..%2fpackage.json`)).status).toBe(404);
    });
  });

  it('asks the guards that it is given, with what they inject, for everything', async () => {
    const it_ = await aDashboard(database, {
      platform,
      dashboard: { guards: [OnlyVisitors], imports: [VisitorsModule] },
    });
    for (const path of ['', '/api/overview', '/api/me', '/assets/page.js', '/events'])
      expect((await it_.get(`/queues${path}`)).status).toBe(403);
    expect((await it_.post('/queues/api/pause', { queue: 'mail' })).status).toBe(403);
    expect((await it_.get('/queues/api/me', { 'x-user': 'ada' })).status).toBe(200);
    await it_.close();
  });

  it('believes a proxy that says what it took away', async () => {
    const it_ = await aDashboard(database, { platform, dashboard: { path: '/' } });
    const scriptWith = async (prefix: string): Promise<string> => {
      const page = await it_.get('/', { 'x-forwarded-prefix': prefix });
      return /src="([^"?]*)/.exec(await page.text())![1]!;
    };
    expect(await scriptWith('/internal/')).toBe('/internal/assets/page.js');
    expect(await scriptWith('//evil.example')).toBe('./assets/page.js');
    expect(await scriptWith('/a"><script>')).toBe('./assets/page.js');
    await it_.close();
  });

  it('tells those who look on that something has changed, and lets them go when the application closes', async () => {
    const it_ = await aDashboard(database, { platform });
    let heard = '';
    let ended = false;
    get(`${it_.origin}/queues/events`, (response) => {
      expect(response.headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
      });
      response.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      response.on('end', () => (ended = true));
    });
    const versions = (): number => heard.split('event: version').length - 1;
    // The first look is news, too: it may have come already.
    await eventually(() => versions() > 0);
    const before = versions();
    await it_.app.get(QueueService).enqueue('news', {});
    await eventually(() => versions() > before);
    await it_.close();
    await eventually(() => ended);
  });
});

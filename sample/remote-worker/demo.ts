import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { EnqueueOptions, FoundJob } from 'nestjs-simple-queue';
import { JobQueue } from 'nestjs-simple-queue/pull';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { EdgeModule } from './edge.module.js';
import type { EdgeSettings } from './edge.settings.js';

const QUEUE = 'word-counts';
const HOST = '127.0.0.1';
/** From the repository's root, where npm runs its scripts. */
const WORKER = 'sample/remote-worker/worker.py';

const TEXTS = ['one', 'two words', 'three short words', 'a text of five words', ''];

/** What is enqueued, and how it has to end. */
const JOBS: {
  payload: unknown;
  options?: EnqueueOptions;
  ends: FoundJob['state'];
  output?: object;
}[] = [
  ...TEXTS.map((text) => ({ payload: { text }, ends: 'succeeded' as const })),
  { payload: { text: 'only with a label' }, options: { labels: ['python'] }, ends: 'succeeded' },
  { payload: { text: 'second time lucky', failFirst: true }, ends: 'succeeded' },
  { payload: { text: 42 }, ends: 'failed' },
  { payload: { text: 'takes longer than its lease', seconds: 4 }, ends: 'succeeded' },
];

/** The edge, its jobs, and a worker that is no part of it. Answers whether every job ended as it should. */
export async function demonstrate(
  settings: Omit<EdgeSettings, 'queues'>,
  print: (line: string) => void,
): Promise<boolean> {
  const app = await NestFactory.create(EdgeModule.forRoot({ ...settings, queues: [QUEUE] }), {
    logger: ['fatal'],
    abortOnError: false,
  });
  try {
    await app.listen(0, HOST);
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    const url = `http://${HOST}:${port}`;
    print(`edge       ${url}`);
    return await workAll(app, startWorker(url, settings.token), print);
  } finally {
    await app.close();
  }
}

async function workAll(
  app: INestApplication,
  worker: ChildProcess,
  print: (line: string) => void,
): Promise<boolean> {
  const queue = app.get(JobQueue);
  const ended = allEnded(queue, worker);
  const ids: string[] = [];
  for (const { payload, options } of JOBS)
    ids.push((await queue.enqueue(QUEUE, payload, options)).id);
  print(`enqueued   ${ids.length} jobs`);
  await ended;
  worker.kill('SIGTERM');
  const [code] = (await once(worker, 'exit')) as [number | null];
  const jobs = await Promise.all(ids.map((id) => queue.find(id)));
  jobs.forEach((job) => print(lineOf(job!)));
  print(`worker     ended with ${code}`);
  return code === 0 && jobs.every((job, index) => job?.state === JOBS[index]!.ends);
}

/** Heard, not asked for: the edge is in this process, and so is what it tells. */
async function allEnded(queue: JobQueue, worker: ChildProcess): Promise<void> {
  let open = JOBS.length;
  await new Promise<void>((resolve, reject) => {
    queue.subscribe(({ type }) => {
      if ((type === 'succeeded' || type === 'failed') && --open === 0) resolve();
    });
    worker.once('error', reject);
    worker.once(
      'exit',
      (code) =>
        open > 0 && reject(new Error(`The worker ended with ${code}, and ${open} jobs are open.`)),
    );
  });
}

function startWorker(url: string, token: string): ChildProcess {
  const env = { ...process.env, EDGE_URL: url, REMOTE_WORKER_TOKEN: token, no_proxy: HOST };
  return spawn('python3', [WORKER, 'python'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

function lineOf({ state, attempt, payload, output, lastError }: FoundJob): string {
  const said =
    state === 'succeeded' ? JSON.stringify(output) : `${lastError?.name}: ${lastError?.message}`;
  return `${state.padEnd(10)} attempt ${attempt}, ${JSON.stringify(payload)} -> ${said}`;
}

import { administer, templateOf } from './database.ts';

export default async function globalTeardown(): Promise<void> {
  const { SQ_TEST_URL: url, SQ_TEST_TEMPLATE: run } = process.env;
  const drops = [0, 1].map((daysAgo) => `drop database if exists ${templateOf(run!, daysAgo)}`);
  if (url && run) await administer(url, ...drops);
  await globalThis.testServer?.stop();
}

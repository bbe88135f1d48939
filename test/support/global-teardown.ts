import { administer } from './database.ts';

export default async function globalTeardown(): Promise<void> {
  const { SQ_TEST_URL: url, SQ_TEST_TEMPLATE: template } = process.env;
  if (url && template) await administer(url, `drop database if exists ${template}`);
  await globalThis.testServer?.stop();
}

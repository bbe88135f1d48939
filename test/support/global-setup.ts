import { randomBytes } from 'node:crypto';
import { compileSources } from './compiled.mjs';
import { compileLibrary } from './library.mjs';
import { aServer, type Server } from './server.ts';

declare global {
  var testServer: Server | undefined;
}

export default async function globalSetup(): Promise<void> {
  [globalThis.testServer] = await Promise.all([aServer(), compileSources(), compileLibrary()]);
  const { version = '0' } = globalThis.testServer;
  process.env.SQ_TEST_COPY = Number.parseInt(version) < 15 ? '' : 'strategy file_copy';
  process.env.SQ_TEST_URL = globalThis.testServer.url;
  process.env.SQ_TEST_TEMPLATE = `test_template_${randomBytes(6).toString('hex')}`;
}

import { randomBytes } from 'node:crypto';
import { aServer, type Server } from './server.ts';

declare global {
  var testServer: Server | undefined;
}

export default async function globalSetup(): Promise<void> {
  globalThis.testServer = await aServer();
  process.env.SQ_TEST_URL = globalThis.testServer.url;
  process.env.SQ_TEST_TEMPLATE = `test_template_${randomBytes(6).toString('hex')}`;
}

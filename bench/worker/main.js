// One process of one system, told what to do by its parent: node main.js SYSTEM SETTINGS. Ends with its parent at the latest.
import { Commands } from './commands.js';

const [name, settings] = [process.argv[2], JSON.parse(process.argv[3])];
const { open } = await import(`../systems/${name}.js`);
const tell = (message) => process.connected && process.send(message);
const commands = new Commands(await open(settings), settings, tell);

process.on('disconnect', () => process.exit(1));
process.on('message', async ({ id, command, order }) => {
  try {
    tell({ id, result: await commands[command](order ?? {}) });
  } catch (error) {
    tell({ id, error: error.stack ?? String(error) });
  }
});
tell({ ready: true });

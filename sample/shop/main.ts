import { readCommandLine } from './run/command-line.js';
import { complaintOf } from './run/complaint.js';
import { ShopRun } from './run/shop-run.js';

try {
  await new ShopRun(readCommandLine(process.argv)).start();
} catch (error) {
  console.error(complaintOf(error));
  process.exit(1);
}

import { Command, InvalidArgumentError, Option } from 'commander';

export interface ShopCommand {
  /** undefined: 3000, or with `--once` any free one. */
  port?: number;
  /** undefined: an embedded PostgreSQL. */
  databaseUrl?: string;
  orders: string;
  once: boolean;
  crash: boolean;
}

const EPILOGUE = `
Without a database URL an embedded PostgreSQL is started. Its data is kept for the next start; with --once it is new and
goes away. In a database of yours the shop uses the schemas "shop" and "simple_queue", and orders that it finds there are
not placed again.`;

/** Reads flags and environment; prints help or what is wrong with them, and ends the process then. */
export function readCommandLine(argv: string[]): ShopCommand {
  const command = declared().parse(argv);
  const given = command.opts<ShopCommand>();
  if (given.crash && !given.once) command.error('error: --crash works with --once only');
  return { ...given, databaseUrl: given.databaseUrl || undefined };
}

function declared(): Command {
  return new Command('npm start --')
    .description(
      'A coffee shop whose orders become receipts, webhooks, reminders and summaries through nestjs-simple-queue.',
    )
    .addOption(
      new Option(
        '--port <number>',
        'where the shop listens (default: 3000, with --once a free one)',
      )
        .env('PORT')
        .argParser(readPort),
    )
    .addOption(
      new Option('--database-url <url>', 'a PostgreSQL database, 13 or later').env('DATABASE_URL'),
    )
    .option('--orders <file>', 'the orders to place, as CSV', 'sample/shop/orders.csv')
    .option(
      '--once',
      'end when all orders are done; exit code 0 if each good one has exactly one receipt',
      false,
    )
    .option(
      '--crash',
      'kill the worker process (SIGKILL) several times on the way; with --once',
      false,
    )
    .addHelpText('after', EPILOGUE);
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a number from 0 (any free port) to 65535.');
}

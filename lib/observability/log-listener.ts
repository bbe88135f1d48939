import type { LoggerService, LogLevel } from '@nestjs/common';
import { UNSEEN } from '../job/values/unseen.js';
import type { QueueEventName, QueueEvents, QueueEventBus } from './events.js';
import { fieldsOf } from './log-fields.js';
import { LINES, outageLine, type Clean, type Line } from './log-lines.js';
import { Outage } from './outage.js';
import { redaction, type Redact } from './redaction.js';

/** What the log says, and how. */
export interface LogOptions {
  /** `true`: an object a line, `{ msg, event, queue, jobId, ... }`, for loggers that write JSON. Default false: text. */
  structured?: boolean;
  /** The level of an event, or `false` for none; default: what does not go as it should. */
  levels?: { [Name in QueueEventName]?: LogLevel | false };
  /** Hides more than credentials in texts: what matches, or what the function leaves out. */
  redact?: Redact;
}

const MAX_TEXT = 300;

/** Writes what happens to Nest's logger, until the answer is called. */
export function attachLogListener(
  events: QueueEventBus,
  logger: LoggerService,
  options: LogOptions = {},
): () => void {
  const writer = new LogWriter(logger, options);
  const detach = (Object.keys(LINES) as QueueEventName[]).map((name) =>
    name === 'loopFailed' ? writer.attachLoops(events) : writer.attach(events, name),
  );
  return () => detach.forEach((stop) => stop());
}

class LogWriter {
  private readonly clean: Clean;

  constructor(
    private readonly logger: LoggerService,
    private readonly options: LogOptions,
  ) {
    const redact = redaction(options.redact);
    this.clean = (text, max) => oneLine(redact(text), max);
  }

  attach<Name extends QueueEventName>(events: QueueEventBus, name: Name): () => void {
    const { level: usual, line } = LINES[name] as Line<Name>;
    const level = this.options.levels?.[name] ?? usual;
    return level
      ? events.on(name, (event) => this.write(level, { name, event, line }))
      : () => undefined;
  }

  /** While the database is away each loop meets it again and again: that is one outage, and not an error each. */
  attachLoops(events: QueueEventBus): () => void {
    const { level: usual, line } = LINES.loopFailed;
    const level = this.options.levels?.loopFailed ?? usual;
    if (!level) return () => undefined;
    let failed: QueueEvents['loopFailed'] | undefined;
    const outage = new Outage(events, (news) =>
      this.write(level, {
        name: 'loopFailed',
        event: failed!,
        line: (_, clean) => outageLine(news, clean),
      }),
    );
    const stop = events.on('loopFailed', (event) => {
      failed = event;
      if (!outage.takes(event)) this.write(level, { name: 'loopFailed', event, line });
    });
    return () => {
      stop();
      outage.detach();
    };
  }

  private write<Name extends QueueEventName>(
    level: LogLevel,
    { name, event, line }: { name: Name; event: QueueEvents[Name] } & Pick<Line<Name>, 'line'>,
  ): void {
    const msg = seen(line(event, this.clean));
    this.logger[level]?.(
      this.options.structured ? { msg, ...fieldsOf(name, event, this.clean) } : msg,
    );
  }
}

/** Also of names and whatever else a line holds: rows may come from anybody. */
const UNSEEN_RUN = new RegExp(`(?:${UNSEEN.source})+`, 'gu');
const seen = (text: string): string => text.replace(UNSEEN_RUN, ' ').toWellFormed();

function oneLine(text: string, max = MAX_TEXT): string {
  const clean = seen(text.slice(0, max));
  return text.length > max ? `${clean}...` : clean;
}

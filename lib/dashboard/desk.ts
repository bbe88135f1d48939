import type { ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { QueueError } from '../job/queue.errors.js';
import { quote } from '../job/names.js';
import { allowedBy, developersOnly, type Allowed } from './access/access.js';
import { checkedBody, type Action } from './action.js';
import { ACTIONS } from './actions.js';
import { json, send, type Answer } from './answer.js';
import { askedOf, type Asked } from './access/asked.js';
import { Assets } from './assets.js';
import type { SimpleQueueDashboardOptions } from './dashboard.options.js';
import { filterOf, isDry } from './by-filter.js';
import { Feed } from './feed.js';
import { Glances } from './glances.js';
import { filterIn } from './filter-words.js';
import type { Hiding, Question } from './look.js';
import { LOOKS, statementsOf } from './looks.js';
import { page, refusal } from './page.js';
import { hidingBy } from './access/redaction.js';
import { foreignLook, foreignWrite } from './access/same-origin.js';
import { checkSeen } from './seen.js';
import type { Source } from './source.js';
import { statusOf } from './status.js';
import { oneLine } from '../runtime/words.js';
import { selectorOf, subjectOf } from './subject.js';

const LONGEST_NAME = 200;

/** What somebody comes for. */
export type Errand = 'page' | 'asset' | 'look' | 'act' | 'events';

/** Takes requests, whatever server they come from, and sees to it that each may do what it asks. */
export class Desk {
  private readonly sources = new Map<string, Source>();
  private readonly feeds = new Map<string, Feed>();
  private readonly glances = new Glances();
  private readonly assets = new Assets();
  private readonly hide: Hiding;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly options: SimpleQueueDashboardOptions,
    private readonly log: Pick<Logger, 'log'> = new Logger('SimpleQueueDashboard'),
  ) {
    this.hide = hidingBy(options.redact);
  }

  /** An instance to show. */
  open(source: Source): void {
    this.sources.set(source.name, source);
    this.feeds.set(source.name, new Feed(() => this.glance(source, 'overview')));
  }

  /** No stream keeps a server open that wants to close. */
  hangUp(): void {
    for (const feed of this.feeds.values()) feed.close();
  }

  async close(): Promise<void> {
    this.hangUp();
    await Promise.all([...this.sources.values()].map((source) => source.close()));
  }

  /** Sends the answer; only what `access` throws is thrown. */
  async serve(errand: Errand, request: unknown, response: ServerResponse): Promise<void> {
    const asked = askedOf(request);
    const { access } = this.options;
    const allowed = allowedBy(access ? await access(request) : developersOnly(asked));
    if (!allowed) return send(this.refusal(errand), asked, response);
    try {
      if (errand === 'events' && this.follow(asked, response)) return;
      send(await this.answer(errand, asked, allowed), asked, response);
    } catch (error) {
      send(failed(error), asked, response);
    }
  }

  private answer(errand: Errand, asked: Asked, allowed: NonNullable<Allowed>): Promise<Answer> {
    switch (errand) {
      case 'page':
        return this.assets.version().then((version) => page(asked, version));
      case 'asset':
        return this.asset(asked);
      case 'look':
        return this.look(asked, allowed);
      case 'act':
        return this.act(asked, allowed);
      case 'events':
        throw new QueueError('LIMIT_HELD', 'Too many streams are open; ask again and again.');
    }
  }

  private refusal(errand: Errand): Answer {
    const message = this.options.access
      ? 'You may not see this dashboard.'
      : 'Nobody may see this dashboard: its option `access` is not set. Without it, it is open with NODE_ENV=development, to a browser on the same machine, with no proxy between.';
    return errand === 'page' ? refusal(403, message) : json({ code: 'FORBIDDEN', message }, 403);
  }

  private async asset(asked: Asked): Promise<Answer> {
    const name = lastOf(asked);
    return (
      (await this.assets.file(name, asked.url.search.slice(1))) ??
      json({ code: 'NOT_FOUND', message: `There is no file ${quote(name)}.` }, 404)
    );
  }

  private async look(asked: Asked, allowed: NonNullable<Allowed>): Promise<Answer> {
    const foreign = foreignLook(asked);
    if (foreign) return json({ code: 'FOREIGN', message: foreign }, 403);
    const name = lastOf(asked);
    if (name === 'me') return json(this.me(allowed));
    if (!Object.hasOwn(LOOKS, name))
      return json({ code: 'NOT_FOUND', message: `There is no look ${quote(name)}.` }, 404);
    const source = this.sourceOf(asked);
    const { searchParams } = asked.url;
    if (name === 'jobs') await this.hide.search(filterIn(searchParams), source.lanes);
    return json(await this.glance(source, name, searchParams));
  }

  private glance(source: Source, name: string, asked = new URLSearchParams()): Promise<unknown> {
    asked.delete('in');
    const recently: Question['recently'] = (what, ask, freshMs) =>
      this.glances.at(`${source.name} ${what}`, ask, freshMs);
    const question = { source, asked, hide: this.hide, recently };
    return this.glances.at(`${source.name} ${name} ${asked.toString()}`, () => {
      this.feeds.get(source.name)!.count(statementsOf(name));
      return LOOKS[name]!(question);
    });
  }

  private me(allowed: ReadonlySet<string>): object {
    const { traceUrl } = this.options;
    return { may: [...allowed], instances: [...this.sources.keys()], traceUrl };
  }

  private async act(asked: Asked, allowed: NonNullable<Allowed>): Promise<Answer> {
    const foreign = foreignWrite(asked);
    if (foreign) return json({ code: 'FOREIGN', message: foreign }, 403);
    const name = lastOf(asked);
    const action: Action | undefined = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action)
      return json({ code: 'NOT_FOUND', message: `There is no action ${quote(name)}.` }, 404);
    if (!allowed.has(action.permission)) {
      const message = `You may look, and not ${name}: your access does not have "${action.permission}".`;
      return json({ code: 'FORBIDDEN', message }, 403);
    }
    const said = checkedBody(name, action, await asked.body());
    const source = this.sourceOf(asked);
    if (said.filter !== undefined) await this.hide.search(filterOf(said), source.lanes);
    const who = await this.actor(asked);
    try {
      const work = () => this.work(action, source, said);
      const isAct = !('dryRun' in action.takes) || !isDry(said);
      const act = () => source.admin.as(who).act(name, selectorOf(said), work);
      const done = (await (isAct ? act() : work())) ?? {};
      this.log.log(`${who}: ${name} ${subjectOf(said)}${isAct ? '' : ' (dry run)'}`);
      return json(done);
    } finally {
      this.glances.forget();
      this.feeds.get(source.name)!.hurry();
    }
  }

  /** One after another, in whatever process, where it says what was seen: of two windows that saw the same, one is too late. */
  private work(action: Action, source: Source, said: Record<string, unknown>): Promise<unknown> {
    const { seen, ...rest } = said;
    if (!action.seen || seen === undefined) return action.run(source, said);
    const checked = action.seen;
    const once = async (): Promise<unknown> => {
      await checkSeen(checked, source, said);
      return action.run(source, rest);
    };
    const done = this.turn.then(() => source.alone(subjectOf(said), once));
    this.turn = done.catch(() => undefined);
    return done;
  }

  /** @throws what the application's function throws: nobody acts unnamed where names are kept. */
  private async actor({ native }: Asked): Promise<string> {
    const actor = await this.options.actor?.(native);
    return oneLine(actor?.trim() || 'somebody', LONGEST_NAME);
  }

  private follow(asked: Asked, response: ServerResponse): boolean {
    const feed = this.feeds.get(this.sourceOf(asked).name)!;
    if (feed.isFull || foreignLook(asked)) return false;
    feed.add(response);
    return true;
  }

  private sourceOf({ url }: Asked): Source {
    const name = url.searchParams.get('in') ?? [...this.sources.keys()][0]!;
    const source = this.sources.get(name);
    if (source) return source;
    throw new QueueError('INVALID_NAME', `There is no instance ${quote(name)} here.`);
  }
}

function lastOf({ url }: Asked): string {
  const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** What is no error of ours says nothing of itself: it might quote anything. */
function failed(error: unknown): Answer {
  if (error instanceof QueueError)
    return json({ code: error.code, message: error.message }, statusOf(error.code));
  return json({ code: 'FAILED', message: 'The dashboard has failed at this.' }, 500);
}

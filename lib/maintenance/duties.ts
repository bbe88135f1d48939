import type { Round } from '../runtime/loop.js';
import { Ticker } from '../schedules/ticker.js';
import { Advancer } from '../workflows/advancer.js';
import { Expirer } from './expirer.js';
import { Janitor } from './janitor.js';
import { Turns } from './turns.js';
import { Permits } from './permits.js';
import { Reaper } from './reaper.js';
import { TallyKeeper } from './tally-keeper.js';
import { Promoter } from './promoter.js';
import type { SiteOf } from './site.js';

/**
 * What any process may do at any time: rows decide, not a leader. A duty is made of its site, and its `round` returns how long it may rest.
 * In this order where no loop turns them: what one leaves to another comes behind it. `told`: has nothing to do until the promoter has seen
 * something and wakes it, so a worker does not begin with it.
 */
export const DUTIES = [
  { name: 'reap', Duty: Reaper, maxRestMs: 5_000, told: false },
  { name: 'tick', Duty: Ticker, maxRestMs: 5_000, told: false },
  { name: 'promote', Duty: Promoter, maxRestMs: 5_000, told: false },
  { name: 'expire', Duty: Expirer, maxRestMs: 5_000, told: true },
  { name: 'turn', Duty: Turns, maxRestMs: 1_000, told: true },
  { name: 'permit', Duty: Permits, maxRestMs: 1_000, told: true },
  { name: 'tally', Duty: TallyKeeper, maxRestMs: 60_000, told: false },
  { name: 'clean', Duty: Janitor, maxRestMs: 5_000, told: false },
  { name: 'advance', Duty: Advancer, maxRestMs: 1_000, told: true },
] as const;

export type DutyName = (typeof DUTIES)[number]['name'];
export type Site = SiteOf<DutyName>;
export type Rounds = Readonly<Record<DutyName, Round>>;

export function roundsOf(site: Site): Rounds {
  const rounds = DUTIES.map(({ name, Duty }): [DutyName, Round] => {
    const duty = new Duty(site);
    return [name, () => duty.round()];
  });
  return Object.fromEntries(rounds) as Rounds;
}

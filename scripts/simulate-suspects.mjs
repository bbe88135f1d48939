// Which rule for suspects poisons whom, at what price: docs/adr/0020. No database; one event after another, seeded.
//   node scripts/simulate-suspects.mjs
const MAX_STALLS = 3;
const LEASE = 15;

/** After `crashes` in a row: does it run alone, does a crash poison it, and how many of its like may run at once in a process? */
const RULES = {
  'every crash counts': {
    alone: () => false,
    poisons: (job) => job.crashes > MAX_STALLS,
    limit: (slots) => slots,
  },
  'after two crashes: a tenth, then alone': {
    alone: (job) => job.crashes >= 2,
    poisons: (job, alone) => alone && ++job.stalls >= MAX_STALLS,
    limit: (slots) => Math.max(1, Math.floor(slots / 10)),
  },
  'half, alone for the last crash': {
    alone: (job) => job.crashes > MAX_STALLS,
    poisons: (_, alone) => alone,
    limit: (slots) => Math.ceil(slots / 2),
  },
  'half, alone for the last two': {
    alone: (job) => job.crashes >= MAX_STALLS,
    poisons: (job, alone) => alone && ++job.stalls >= 2,
    limit: (slots) => Math.ceil(slots / 2),
  },
};

function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function simulate(rule, { jobs, guilty, slots, processes, killEvery, runS, step = 0.1, seed }) {
  const random = seeded(seed);
  const every = guilty > 0 ? Math.floor(jobs / guilty) : Infinity;
  const fresh = Array.from({ length: jobs }, (_, n) => ({
    crashes: 0,
    stalls: 0,
    deaths: 0,
    kills: n % every === every - 1,
  })).reverse();
  const [suspects, lone] = [[], []];
  const fleet = Array.from({ length: processes }, () => ({ running: [], downUntil: 0 }));
  const seen = { deaths: 0, starts: 0, poisonedGood: 0, poisonedGuilty: 0, worst: 0, clock: 0 };
  const start = (process, job, alone = false) => {
    seen.starts++;
    const length = runS * (0.5 + random());
    process.running.push({
      job,
      alone,
      ends: seen.clock + (job.kills ? length * random() * random() : length),
    });
  };
  const crash = (process) => {
    seen.deaths++;
    process.downUntil = seen.clock + LEASE;
    for (const { job, alone } of process.running.splice(0)) {
      job.crashes++;
      if (rule.poisons(job, alone)) {
        seen[job.kills ? 'poisonedGuilty' : 'poisonedGood']++;
        if (job.kills) seen.worst = Math.max(seen.worst, job.deaths + 1);
      } else (rule.alone(job) ? lone : suspects).push(job);
      if (job.kills) job.deaths++;
    }
  };
  const fill = (process) => {
    if (process.running.some(({ alone }) => alone)) return;
    if (lone.length > 0) {
      if (process.running.length === 0) start(process, lone.shift(), true);
      return;
    }
    let group = process.running.filter(({ job }) => job.crashes > 0).length;
    for (
      ;
      process.running.length < slots && group < rule.limit(slots) && suspects.length > 0;
      group++
    )
      start(process, suspects.shift());
    while (process.running.length < slots && fresh.length > 0) start(process, fresh.pop());
  };
  for (
    ;
    fresh.length +
      suspects.length +
      lone.length +
      fleet.reduce((sum, { running }) => sum + running.length, 0) >
    0;
    seen.clock += step
  ) {
    for (const process of fleet) {
      if (process.downUntil > seen.clock) continue;
      const killer = process.running.find(({ job, ends }) => job.kills && ends <= seen.clock);
      if (killer || (killEvery && random() < step / killEvery)) crash(process);
      else process.running = process.running.filter(({ ends }) => ends > seen.clock);
      if (process.downUntil <= seen.clock) fill(process);
    }
    if (seen.clock > 2e6) throw new Error('never ends');
  }
  return seen;
}

const CASES = {
  '100 guilty of 100,000, 100 in flight': {
    jobs: 100_000,
    guilty: 100,
    slots: 100,
    processes: 4,
    runS: 1,
  },
  'kills from outside alone, each process every 30 s': {
    jobs: 50_000,
    guilty: 0,
    slots: 100,
    processes: 4,
    runS: 1,
    killEvery: 30,
  },
  'both, jobs of 1 s': {
    jobs: 50_000,
    guilty: 50,
    slots: 100,
    processes: 4,
    runS: 1,
    killEvery: 60,
  },
  'both, jobs of 10 s': {
    jobs: 20_000,
    guilty: 20,
    slots: 100,
    processes: 4,
    runS: 10,
    killEvery: 300,
  },
  'both, 10 in flight, jobs of 10 s': {
    jobs: 5_000,
    guilty: 20,
    slots: 10,
    processes: 4,
    runS: 10,
    killEvery: 300,
  },
};

for (const [name, terms] of Object.entries(CASES)) {
  console.log(`\n${name}`);
  const rows = {};
  for (const [rule, how] of Object.entries(RULES)) {
    const total = { deaths: 0, starts: 0, poisonedGood: 0, poisonedGuilty: 0, worst: 0, clock: 0 };
    const seeds = [1, 2, 3];
    for (const seed of seeds) {
      const seen = simulate(how, { ...terms, seed });
      for (const key of Object.keys(total))
        total[key] =
          key === 'worst'
            ? Math.max(total.worst, seen.worst)
            : total[key] + seen[key] / seeds.length;
    }
    rows[rule] = {
      'good poisoned': +total.poisonedGood.toFixed(1),
      'guilty poisoned': total.poisonedGuilty,
      'deaths a guilty job, at most': total.worst,
      deaths: Math.round(total.deaths),
      'starts again': Math.round(total.starts - terms.jobs),
      'done after s': Math.round(total.clock),
    };
  }
  console.table(rows);
}

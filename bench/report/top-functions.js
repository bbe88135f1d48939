/** Self and total time by function, and self time by package, of a V8 CPU profile. */
export function topFunctions(profile, count) {
  const self = selfTimes(profile);
  const byName = new Map();
  const byFile = new Map();
  walk(profile, (node, path) => {
    const name = nameOf(node.callFrame);
    const ms = self.get(node.id) ?? 0;
    add(byFile, fileOf(node.callFrame), ms);
    entryOf(byName, name).selfMs += ms;
    // A function that calls itself is counted once for each sample.
    for (const above of new Set([...path, name])) entryOf(byName, above).totalMs += ms;
  });
  const functions = [...byName]
    .map(([name, times]) => ({ name, ...times }))
    .sort((a, b) => b.selfMs - a.selfMs);
  const files = [...byFile].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
  return {
    functions: functions.slice(0, count),
    files: files.slice(0, 12),
    seconds: (profile.endTime - profile.startTime) / 1e6,
  };
}

function selfTimes({ samples, timeDeltas }) {
  const self = new Map();
  samples.forEach((id, index) => add(self, id, timeDeltas[index] / 1_000));
  return self;
}

function walk({ nodes }, visit) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const stack = [{ node: nodes[0], path: [] }];
  while (stack.length > 0) {
    const { node, path } = stack.pop();
    visit(node, path);
    const below = [...path, nameOf(node.callFrame)];
    for (const id of node.children ?? []) stack.push({ node: byId.get(id), path: below });
  }
}

const add = (map, key, amount) => map.set(key, (map.get(key) ?? 0) + amount);

function entryOf(map, name) {
  if (!map.has(name)) map.set(name, { selfMs: 0, totalMs: 0 });
  return map.get(name);
}

const nameOf = ({ functionName, url, lineNumber }) =>
  `${functionName || '(anonymous)'}${url ? `  ${shortUrl(url)}:${lineNumber + 1}` : ''}`;

function fileOf({ functionName, url }) {
  if (!url) return functionName.startsWith('(') ? functionName : '(native)';
  if (url.startsWith('node:')) return 'node';
  const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(url) ?? [];
  return name ?? shortUrl(url).split('/').slice(0, 2).join('/');
}

const shortUrl = (url) =>
  url.replace(/^file:\/\//, '').replace(/^.*\/(node_modules|dist|bench)\//, '');

import { script } from './prelude.js';
import { aloneMs, KNOWN_MS } from '../plain/suspects.js';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** What one script does at most: Redis does nothing else meanwhile. */
export const BATCH = 200;
/** Lanes (a queue and a set of labels) with live jobs: a claim looks at each. */
export const MAX_LANES = 5_000;
/** Bump it where the keys change: two kinds of scripts must not share them. */
const FORMAT = '1';

/** Is this a server, and are these keys, that can be worked with? */
export const OPEN = script(
  'allow-oom',
  `
local types = {lanes='hash', unique='hash', lone='hash', scheduled='zset', leases='zset', seq='string', format='string'}
for name, type in pairs(types) do
  local found = call('TYPE', key(name)).ok
  if found ~= 'none' and found ~= type then return {call('INFO'), key(name)} end
end
call('SET', key('format'), '${FORMAT}', 'NX')
return {call('INFO'), call('GET', key('format')) == '${FORMAT}' and '' or key('format')}`,
);

export const ENQUEUE = script(
  '',
  `
local id, lane, unique, workflow, priority, delayMs, at = unpack(ARGV)
if call('EXISTS', job(id)) == 1 then return id end
local known = unique ~= '' and call('HGET', key('unique'), unique)
if known then return known end
local isNew = call('HEXISTS', key('lanes'), lane) == 0
if isNew and call('HLEN', key('lanes')) >= ${MAX_LANES} then return 'TOO_MANY_LANES' end
-- First what may be a key of somebody else's: nothing is undone.
if workflow ~= '' then call('ZADD', key('workflow', workflow), call('INCR', key('seq')), id) end
wait(id, math.max(now, tonumber(at) or now + delayMs), lane, 0, priority)
call('HSET', job(id), 'lane', lane, 'priority', priority, 'createdAt', now, unpack(ARGV, 8))
if unique ~= '' then
  call('HSET', key('unique'), unique, id)
  call('HSET', job(id), 'unique', unique)
end
if workflow ~= '' then call('HSET', job(id), 'workflow', workflow) end
call('HINCRBY', key('lanes'), lane, 1)
return ''`,
);

/** \`picked\` of \`plain/suspects.ts\`, for jobs that others claim at the same time. */
export const CLAIM = script(
  'allow-oom',
  `
local lease, worker, leaseMs, limit, suspects = unpack(ARGV)
local queues, labels = cjson.decode(ARGV[6]), {}
for _, label in ipairs(cjson.decode(ARGV[7])) do labels[label] = true end

for _, id in ipairs(call('ZRANGEBYSCORE', key('scheduled'), '-inf', now, 'LIMIT', 0, ${BATCH})) do
  local lane, suspicion, priority, place = unpack(call('HMGET', job(id), 'lane', 'suspicion', 'priority', 'place'))
  if lane then ready(lane, suspicion, priority, place) end
  call('ZREM', key('scheduled'), id)
end

-- As \`serves\` has it; a lane is its queue, a space, and its labels.
local function serves(lane)
  local queue, wanted = lane:match('^(%S+) (.*)$')
  for label in wanted:gmatch('[^,]+') do if not labels[label] then return false end end
  for _, name in ipairs(queues) do
    if name == queue or name:sub(-1) == '*' and queue:sub(1, #name - 1) == name:sub(1, -2) then return true end
  end
  return false
end

local served, suspected = {}, {}
for _, lane in ipairs(call('HKEYS', key('lanes'))) do
  local last = serves(lane) and call('ZREVRANGE', key('ready', lane), 0, 0, 'WITHSCORES') or {}
  if last[1] then served[#served + 1] = lane end
  if last[1] and tonumber(last[2]) >= 32768 then suspected[#suspected + 1] = lane end
end

-- The first ones of these suspicions in all lanes: behind as many first ones of lanes nobody else's can be.
local function first(lanes, low, high, most)
  local range, found = {low * 65536 - 32768, high * 65536 + 32767}, {}
  local function add(into, lane, count)
    local places = call('ZRANGEBYSCORE', key('ready', lane), range[1], range[2], 'WITHSCORES', 'LIMIT', 0, count)
    for n = 1, #places, 2 do into[#into + 1] = {lane = lane, place = places[n], score = tonumber(places[n + 1])} end
  end
  local function sorted(places)
    table.sort(places, function(a, b)
      if a.score ~= b.score then return a.score < b.score end
      return a.place < b.place
    end)
    return places
  end
  for _, lane in ipairs(lanes) do add(found, lane, 1) end
  local all = {}
  for n, head in ipairs(sorted(found)) do if n <= most then add(all, head.lane, most) end end
  return {unpack(sorted(all), 1, math.min(most, #all))}
end

local lone = call('HGET', key('lone'), worker)
local function isAlone()
  if not lone then return false end
  local suspicion, held = unpack(call('HMGET', job(lone), 'suspicion', 'lease'))
  local taken = held and call('HGET', key('lease', held), 'takenAt')
  local ms = ({${[3, 5, 7, 9].map((suspicion) => `[${suspicion}]=${aloneMs({ suspicion })}`).join(', ')}})[tonumber(suspicion)]
  return taken and ms and tonumber(taken) > now - ms
end

local taken = {}
if call('ZCOUNT', key('worker', worker), '(' .. now - ${KNOWN_MS}, '+inf') == 0 then taken = first(suspected, 3, 9, 1) end
if #taken == 0 and not isAlone() then
  taken = first(suspected, 1, 2, tonumber(suspects))
  for _, place in ipairs(first(served, 0, 0, limit - #taken)) do taken[#taken + 1] = place end
end

local jobs = {}
for _, place in ipairs(taken) do
  local id = place.place:sub(34)
  call('ZREM', key('ready', place.lane), place.place)
  if call('EXISTS', job(id)) == 1 then jobs[#jobs + 1] = id end
end
if #jobs > 0 then
  if lone then
    call('HINCRBY', job(lone), 'suspicion', 1)
    call('HDEL', key('lone'), worker)
  end
  call('HSET', key('lease', lease), 'worker', worker, 'takenAt', now)
  call('ZADD', key('leases'), now + leaseMs, lease)
  call('ZADD', key('worker', worker), now, lease)
  call('SADD', key('held', lease), unpack(jobs))
end
local answer = {now, call('ZCOUNT', key('leases'), '-inf', '(' .. now)}
for _, id in ipairs(jobs) do
  call('HSET', job(id), 'lease', lease)
  local suspicion = tonumber(call('HGET', job(id), 'suspicion'))
  if suspicion > 2 and suspicion % 2 == 1 then call('HSET', key('lone'), worker, id) end
  answer[#answer + 1] = {id, call('HGETALL', job(id))}
end
return answer`,
);

export const RENEW = script(
  'allow-oom',
  `
local lease, leaseMs = unpack(ARGV)
local expiresAt = call('ZSCORE', key('leases'), lease)
local held = call('SMEMBERS', key(expiresAt and 'held' or 'lapsed', lease))
if not expiresAt and #held == 0 then return {'UNKNOWN'} end
if not expiresAt or tonumber(expiresAt) <= now then return {'LOST', unpack(held)} end
call('ZADD', key('leases'), now + leaseMs, lease)
local cancelled = {'HELD'}
for _, id in ipairs(held) do
  if call('HEXISTS', job(id), 'cancelAt') == 1 then cancelled[#cancelled + 1] = id end
end
return cancelled`,
);

/** What decides about a job has everything but its payload. */
const FACTS = `call('HMGET', job(id), 'job', 'run', 'suspicion', 'cancelAt')`;

export const HELD = script(
  'no-writes,allow-oom',
  `
local lease, id = unpack(ARGV)
if call('SISMEMBER', key('held', lease), id) == 1 then
  return {'HELD', now, call('HMGET', key('lease', lease), 'worker', 'takenAt'), {id, ${FACTS}}}
end
if call('EXISTS', key('held', lease)) == 1 then return {'FOREIGN'} end
if call('SISMEMBER', key('lapsed', lease), id) == 1 then return {'LOST'} end
return {call('EXISTS', key('lapsed', lease)) == 1 and 'FOREIGN' or 'UNKNOWN'}`,
);

export const SETTLE = script('allow-oom', `return depart(unpack(ARGV))`);

export const PROGRESS = script(
  'allow-oom',
  `if call('SISMEMBER', key('held', ARGV[1]), ARGV[2]) == 1 then call('HSET', job(ARGV[2]), 'run', ARGV[3]) end`,
);

/** Leases that have lapsed, with what they hold. */
export const LAPSED = script(
  'allow-oom',
  `
local leases = {}
for _, lease in ipairs(call('ZRANGEBYSCORE', key('leases'), '-inf', '(' .. now, 'LIMIT', 0, ARGV[1])) do
  local jobs = {}
  for _, id in ipairs(call('SMEMBERS', key('held', lease))) do
    if call('EXISTS', job(id)) == 1 then jobs[#jobs + 1] = {id, ${FACTS}} else leave(lease, id) end
  end
  leases[#leases + 1] = {lease, call('HGET', key('lease', lease), 'worker') or '', jobs}
end
return leases`,
);

/** Each job of a lapsed lease departs as was decided; what it held is remembered for a day. */
export const REAP = script(
  'allow-oom',
  `
local lease, gone = ARGV[1], {}
if call('EXISTS', key('held', lease)) == 1 then
  call('SUNIONSTORE', key('lapsed', lease), key('lapsed', lease), key('held', lease))
  call('PEXPIRE', key('lapsed', lease), ${DAY_MS})
end
for n = 2, #ARGV, 7 do
  if depart(lease, unpack(ARGV, n, n + 6)) == 'DONE' then gone[#gone + 1] = ARGV[n] end
end
if call('EXISTS', key('held', lease)) == 0 then leave(lease, '') end
return gone`,
);

/** A job, or a batch of a workflow's: what was enqueued before the first batch. */
export const CANCEL = script(
  'allow-oom',
  `
local id, workflow, after, upto = unpack(ARGV)
local keepMs, ids, counts = cjson.decode(ARGV[5]), {id}, {0, 0}
if workflow ~= '' then
  if upto == '' then upto = call('GET', key('seq')) or '0' end
  ids = call('ZRANGEBYSCORE', key('workflow', workflow), '(' .. after, upto, 'LIMIT', 0, ${BATCH})
  if #ids > 0 then after = call('ZSCORE', key('workflow', workflow), ids[#ids]) end
end
for _, id in ipairs(ids) do
  local queue, lease, stopped, ended = unpack(call('HMGET', job(id), 'queue', 'lease', 'cancelAt', 'end'))
  if queue and not stopped and not ended then
    call('HSET', job(id), 'cancelAt', now)
    counts[lease and 2 or 1] = counts[lease and 2 or 1] + 1
    if not lease then finish(id, '{"state":"cancelled"}', keepMs[queue] or keepMs['']) end
  end
end
if counts[2] > 0 then wake('cancelRequested') end
return {counts[1], counts[2], #ids, after, upto}`,
);

export const FIND = script(
  'no-writes,allow-oom',
  `return {now, {ARGV[1], call('HGETALL', job(ARGV[1]))}}`,
);

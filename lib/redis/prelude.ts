/**
 * What every script begins with. `KEYS[1]` is the prefix with its hash tag, so that all keys stand in one slot of a cluster. The clock is the
 * server's.
 *
 * `job:<id>` is a hash, `ready:<lane>` has the places of a lane's jobs that may run, `scheduled` the ids of those whose time has not come, `lanes` how many
 * live jobs each lane has; `lease:<id>`, `held:<id>` and `lapsed:<id>` are a lease, its jobs, and what it held when it lapsed; `leases` has when each
 * lapses, `worker:<name>` when a worker's were taken, `lone` which job it runs alone, `unique` and `workflow:<id>` the live jobs of a key and of a workflow.
 */
const PRELUDE = `
local call, time = redis.call, redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function key(...) return KEYS[1] .. table.concat({...}, ':') end
local function job(id) return key('job', id) end
local function wake(what) call('PUBLISH', key('wake'), what) end

-- By suspicion, then priority; among those a place says the order: by time, then as they came.
local function ready(lane, suspicion, priority, place)
  call('ZADD', key('ready', lane), suspicion * 65536 + priority, place)
end

local function wait(id, at, lane, suspicion, priority)
  local place = string.format('%015.0f %016.0f %s', at, call('INCR', key('seq')), id)
  if at <= now then ready(lane, suspicion, priority, place) else call('ZADD', key('scheduled'), at, id) end
  call('HSET', job(id), 'runAt', at, 'place', place, 'suspicion', suspicion)
  wake('wakeUp')
end

-- 'ended' is JSON; a job that is kept goes by itself.
local function finish(id, ended, keepMs)
  local lane, place, unique, workflow = unpack(call('HMGET', job(id), 'lane', 'place', 'unique', 'workflow'))
  call('ZREM', key('ready', lane), place)
  call('ZREM', key('scheduled'), id)
  if call('HINCRBY', key('lanes'), lane, -1) < 1 then call('HDEL', key('lanes'), lane) end
  if unique then call('HDEL', key('unique'), unique) end
  if workflow then call('ZREM', key('workflow', workflow), id) end
  if tonumber(keepMs) <= 0 then return call('DEL', job(id)) end
  call('HSET', job(id), 'end', ended, 'finishedAt', now)
  call('PEXPIRE', job(id), keepMs)
end

-- With its last job the lease goes.
local function leave(lease, id)
  local worker = call('HGET', key('lease', lease), 'worker') or ''
  if call('HGET', key('lone'), worker) == id then call('HDEL', key('lone'), worker) end
  call('SREM', key('held', lease), id)
  call('HDEL', job(id), 'lease')
  if call('EXISTS', key('held', lease)) == 1 then return end
  call('DEL', key('lease', lease))
  call('ZREM', key('leases'), lease)
  call('ZREM', key('worker', worker), lease)
end

-- 'cancelled' is whether its caller knew that it was asked to stop, '' where that does not matter.
local function depart(lease, id, cancelled, run, suspicion, delayMs, ended, keepMs)
  if call('SISMEMBER', key('held', lease), id) == 0 then return 'GONE' end
  if cancelled ~= '' and tonumber(cancelled) ~= call('HEXISTS', job(id), 'cancelAt') then return 'CHANGED' end
  leave(lease, id)
  call('HSET', job(id), 'run', run)
  if ended ~= '' then finish(id, ended, keepMs)
  else
    local lane, priority = unpack(call('HMGET', job(id), 'lane', 'priority'))
    wait(id, now + delayMs, lane, suspicion, priority)
  end
  return 'DONE'
end
`;

/** Readers fail where they would write; the others are let in where memory is full, because they make room: all but a new job. */
export const script = (flags: string, body: string): string =>
  `#!lua${flags ? ` flags=${flags}` : ''}\n${PRELUDE}${body}`;

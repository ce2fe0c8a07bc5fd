-- Whole admissions: every request is the next step of somebody's, the furthest first: complete,
-- redeem, or claim with the next ticket of the file TICKETS, from line FROM on. `done` prints how
-- many completed and how many claimed, and what was refused.
local QUEUE, ORIGIN_KEY = os.getenv("QUEUE"), os.getenv("ORIGIN_KEY")
local threads = {}
local next_ticket
local handed, redeemed = {}, {}
claimed, completed, refused = 0, 0, ""

function setup(thread)
  table.insert(threads, thread)
end

function init()
  next_ticket = io.lines(os.getenv("TICKETS"))
  for _ = 1, tonumber(os.getenv("FROM")) do next_ticket() end
end

local function post(path, key, body)
  local type = body and "application/json"
  local headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = type }
  return wrk.format("POST", path, headers, body)
end

function request()
  local admission = table.remove(redeemed)
  if admission then
    local path = "/v1/queues/" .. QUEUE .. "/admissions/" .. admission .. "/complete"
    return post(path, ORIGIN_KEY)
  end
  local token = table.remove(handed)
  if token then
    return post("/v1/handoffs/redeem", ORIGIN_KEY, '{"handoffToken":"' .. token .. '"}')
  end
  local ticket = next_ticket()
  if not ticket then
    refused = refused .. " no ticket is left"
    wrk.thread:stop()
    return wrk.format("GET", "/")
  end
  claimed = claimed + 1
  return post("/v1/queues/" .. QUEUE .. "/claim", ticket)
end

function response(status, headers, body)
  local token = body:match('"handoffToken":"([^"]+)"')
  if status ~= 200 then
    if #refused < 400 then refused = refused .. " " .. status .. " " .. body end
  elseif token then
    table.insert(handed, token)
  elseif body:find('"state":"completed"', 1, true) then
    completed = completed + 1
  else
    table.insert(redeemed, body:match('"admissionId":"([^"]+)"'))
  end
end

function done()
  for _, thread in ipairs(threads) do
    print("claimed " .. thread:get("claimed") .. " completed " .. thread:get("completed"))
    if thread:get("refused") ~= "" then print("refused:" .. thread:get("refused")) end
  end
end

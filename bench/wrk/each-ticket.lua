-- Every request is a POST with the next ticket of the file TICKETS, from line FROM on, once each.
local next_ticket = io.lines(os.getenv("TICKETS"))
for _ = 1, tonumber(os.getenv("FROM")) do next_ticket() end
local used = 0
function request()
  local ticket = next_ticket()
  if not ticket then
    wrk.thread:stop()
    return wrk.format("GET", "/")
  end
  return wrk.format("POST", nil, { ["Authorization"] = "Bearer " .. ticket })
end

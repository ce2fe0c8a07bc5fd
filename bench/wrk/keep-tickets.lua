-- Every request enters; the tickets that come back are written to the file TICKETS.
wrk.method = "POST"
local file = io.open(os.getenv("TICKETS"), "a")
file:setvbuf("line")
function response(status, headers, body)
  local ticket = body:match('"ticket":"([^"]+)"')
  if ticket then file:write(ticket, "\n") end
end

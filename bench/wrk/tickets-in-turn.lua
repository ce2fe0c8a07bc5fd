-- Every request shows the next ticket of the file TICKETS, and after the last the first again.
local tickets = {}
for ticket in io.lines(os.getenv("TICKETS")) do tickets[#tickets + 1] = ticket end
local used = 0
function request()
  used = used % #tickets + 1
  return wrk.format("GET", nil, { ["Authorization"] = "Bearer " .. tickets[used] })
end

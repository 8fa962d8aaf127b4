-- wrk: requests that are good once, from a file of them; prints one line of JSON for
-- bench/provider.py. Arguments: HOW FILE [OUT]. FILE has a line a request, "BODY[<tab>PROOF]".
-- once: each line is sent once. refresh: a line is a refresh token, and what an answer brings
-- takes its place; those that are left go to OUT. codes: no body is sent, and the code of each Location goes to OUT.
-- The time is from the first answer to the last good one; when the lines run out, it ends.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s, ns; } moment; int clock_gettime(int which, moment *m);")

local all, taken, lines_end = {}, 0, 0
lines = {}

local function now()
	local m = ffi.new("moment")
	ffi.C.clock_gettime(1, m)
	return tonumber(m.s) + tonumber(m.ns) / 1e9
end

function setup(thread)
	table.insert(all, thread)
end

function init(args)
	how, good, refused, first, last, reason = args[1], 0, 0, 0, 0, ""
	if how ~= "codes" then
		for line in io.lines(args[2]) do
			table.insert(lines, line)
		end
		lines_end = #lines
		wrk.method = "POST"
		wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
	end
	out = args[3]
	codes = how == "codes" and io.open(out, "w")
end

function request()
	if how == "codes" then
		return wrk.format()
	end
	taken = taken + 1
	local line = lines[taken] or ""
	lines[taken] = nil
	if how == "refresh" then
		line = "grant_type=refresh_token&refresh_token=" .. line
	end
	local body, proof = line:match("^([^\t]*)\t?(.*)$")
	wrk.headers["DPoP"] = proof ~= "" and proof or nil
	return wrk.format(nil, nil, nil, body)
end

local function took(headers, body)
	if how == "codes" then
		local code = (headers["Location"] or headers["location"] or ""):match("[?&]code=([^&]+)")
		if code then
			codes:write(code, "\n")
		end
		return code
	end
	if how == "refresh" then
		local token = body:match('"refresh_token":"([^"]+)"')
		if token then
			lines_end = lines_end + 1
			lines[lines_end] = token
		end
		return token
	end
	return true
end

function response(status, headers, body)
	if how == "once" and taken > lines_end then
		wrk.thread:stop()
		return
	end
	local at = now()
	first = first == 0 and at or first
	if (status == 200 or (how == "codes" and status == 303)) and took(headers, body) then
		good, last = good + 1, at
	else
		refused = refused + 1
		reason = status .. " " .. body:sub(1, 200):gsub('[%c"\\]', " ")
	end
end

local function keep(t)
	local file, left = io.open(t:get("out"), "w"), t:get("lines")
	for _, line in pairs(left) do
		file:write(line, "\n")
	end
	file:close()
end

function done(summary)
	local t, e = all[1], summary.errors
	if t:get("how") == "refresh" then
		keep(t)
	end
	io.write(string.format('JSON {"good":%d,"seconds":%.6f,"refused":%d,"errors":%d,"reason":"%s"}\n',
		t:get("good"), t:get("last") - t:get("first"), t:get("refused"),
		e.connect + e.read + e.write + e.timeout, t:get("reason")))
end

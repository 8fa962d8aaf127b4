-- wrk: the client_credentials request of client `bench`; prints one line of JSON that
-- bench/run reads. An answer that is not 200 is counted: a rate of refusals is no rate.
wrk.method = "POST"
wrk.body = "grant_type=client_credentials&scope=mail.read"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Authorization"] = "Basic YmVuY2g6YmVuY2gtc2VjcmV0" -- bench:bench-secret

local all = {}

function setup(thread)
	table.insert(all, thread)
end

function init()
	refused = 0
end

function response(status)
	if status ~= 200 then
		refused = refused + 1
	end
end

function done(summary, latency)
	local refusals, e = 0, summary.errors
	for _, thread in ipairs(all) do
		refusals = refusals + thread:get("refused")
	end
	io.write(string.format(
		'JSON {"requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"refused":%d,"errors":%d}\n',
		summary.requests, summary.duration / 1e6,
		latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
		refusals, e.connect + e.read + e.write + e.timeout))
end

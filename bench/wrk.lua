-- For wrk: closed-loop load, the result as one JSON line. Arguments after `--`: "post" sends 64 KiB bodies.
function init(args)
  wrk.headers["Host"] = "shop"
  if args[1] == "post" then
    wrk.method = "POST"
    wrk.body = string.rep("x", 65536)
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"bytes":%d,"p50Ms":%.3f,"p99Ms":%.3f,"failures":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

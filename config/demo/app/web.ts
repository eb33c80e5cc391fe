/** The page: everything it learnt from the services behind it, with the versions that answered. */
import { callByFetch, callByHttp, passOn, serve, work } from "./serve.ts";

serve(async ({ path, headers }) => {
  const passed = passOn(headers);
  await work(2);
  const [catalog, reviews] = await Promise.all([
    callByHttp("catalog", "/items", passed),
    callByFetch("reviews", "/reviews/loom", passed),
  ]);
  return {
    service: "web",
    version: "v1",
    path,
    requestId: headers["x-request-id"],
    calls: { catalog, reviews },
  };
});

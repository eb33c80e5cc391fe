/** Two versions of one program run: the second is slower and knows prices. */
import { callByFetch, callByHttp, passOn, serve, work } from "./serve.ts";

const version = process.env["VERSION"] ?? "v1";
const items = ["loom", "shuttle", "heddle"];

serve(async ({ path, headers }) => {
  const passed = passOn(headers);
  await work(version === "v1" ? 5 : 8);
  const call = version === "v1" ? callByHttp : callByFetch;
  const stock = await call("stock", "/stock", passed);
  const priced = version === "v1" ? items : items.map((name, i) => ({ name, price: 40 + 7 * i }));
  return { service: "catalog", version, path, items: priced, calls: { stock } };
});

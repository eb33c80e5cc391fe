/** The end of the chain: calls nobody. */
import { serve, work } from "./serve.ts";

serve(async ({ path }) => {
  await work(3);
  return { service: "stock", version: "v1", path, inStock: { loom: 3, shuttle: 41, heddle: 12 } };
});

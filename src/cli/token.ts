/** `weft token create`: what a sidecar outside Kubernetes enrols with. The token alone goes to stdout, so that it can be piped. */
import type { TokenAnswer } from "../local/api-types.ts";
import { withApi, withClient } from "./api.ts";
import { durationSetting, newCommand, runCommand } from "./command.ts";
import { integerOption } from "./duration.ts";
import { EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { json } from "./output.ts";

interface Options {
  readonly namespace: string;
  readonly serviceAccount?: string;
  readonly uses: number;
  readonly ttl: number;
  readonly json?: boolean;
  readonly api?: string;
}

const MAX_USES = 10_000;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = withApi(
    newCommand(
      {
        name: "token",
        summary: "Make a join token: it gives the identity of one service account to whoever shows it.",
        examples: [
          ["weft token create --service-account web > web.token", "one sidecar, within an hour"],
          ["weft token create --namespace shop --service-account web --uses 20 --ttl 24h", "a deployment"],
        ],
        exits: { ok: "made", failed: "refused, or no answer" },
      },
      io,
    )
      .argument("<action>", "create")
      .option("-n, --namespace <name>", "of the service account", "default")
      .option("--service-account <name>", "whose identity it gives")
      .option("--uses <n>", "how often it may be used", integerOption("--uses", 1, MAX_USES), 1)
      .addOption(durationSetting("--ttl", "how long, 30 days at most", "1h")),
  );
  return runCommand(command, argv, io, async () => {
    const { namespace, serviceAccount, uses, ttl, ...options } = command.opts<Options>();
    const [action] = command.args;
    if (action !== "create") throw usageError(`"${action}" is no action`, "weft token create …");
    if (serviceAccount === undefined) throw usageError("say for whom: --service-account NAME");
    const wish = { namespace, serviceAccount, uses, ttlMs: ttl };
    return withClient(options.api, io, async (client) => {
      const answer = await client.call<TokenAnswer>("POST", "/v1/tokens", wish);
      io.stdout.write(options.json === true ? json(answer) : `${answer.token}\n`);
      if (options.json === true) return EXIT.ok;
      const times = answer.uses === 1 ? "once" : `${answer.uses} times`;
      io.stderr.write(`for ${answer.identity}, ${times}, until ${answer.expiresAt}\n`);
      return EXIT.ok;
    });
  });
}

/** nftables: one script, applied as one transaction for both families. */
import { appliedBy, DONE, FAMILIES, type MakeBackend } from "./backend.ts";
import { NFT_FAMILY, NFT_TABLE, nftClearText, nftText } from "./nft-text.ts";

export const nftBackend: MakeBackend = (shell) => {
  /** Families in which our table is: a kernel without IPv6 knows no `ip6`. */
  const present = () => {
    const { stdout } = shell("nft", ["list", "tables"]);
    const found = new Set(stdout.split("\n").map((line) => line.trim()));
    return FAMILIES.filter((family) => found.has(`table ${NFT_FAMILY[family]} ${NFT_TABLE}`));
  };
  const run = (script: string) =>
    script === "" ? DONE : appliedBy("nft -f -", shell("nft", ["-f", "-"], script));
  return {
    name: "nft",
    problem: () => {
      const { isDone, problem } = shell("nft", ["list", "tables"]);
      return isDone ? undefined : problem;
    },
    text: nftText,
    apply: (tables) => {
      const wanted = new Set(tables.map(({ family }) => family));
      return run(nftClearText(present().filter((family) => !wanted.has(family))) + nftText(tables));
    },
    clear: () => run(nftClearText(present())),
  };
};

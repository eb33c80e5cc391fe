/** What goes over a bridge, as tcpdump sees it: connections between two addresses, and what each side of them sent. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WIDE_PATH } from "../harness/requires.ts";

/** One direction of a connection, in the order in which it was seen. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly bytes: Buffer;
}

const PCAP_HEAD = 24;
const PACKET_HEAD = 16;
const ETHERNET_HEAD = 14;
const IPV4 = 0x0800;
const TCP = 6;

export class Capture {
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
  }

  /** `inside`: what a command begins with that is to run where the bridge is. */
  static async start(bridge: string, inside: readonly string[]): Promise<Capture> {
    const folder = mkdtempSync(join(tmpdir(), "weft-capture-"));
    const command = [...inside, "tcpdump", "-i", bridge, "-Z", "root", "-B", "8192", "--immediate-mode"];
    const [program = "", ...args] = [
      ...command,
      "-s",
      "0",
      "-U",
      "-w",
      join(folder, "packets"),
      "ip and tcp",
    ];
    const child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, PATH: WIDE_PATH },
    });
    await new Promise<void>((resolve, reject) => {
      let said = "";
      child.stderr.on("data", (chunk) => {
        said += String(chunk);
        if (said.includes("listening on")) resolve();
      });
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`tcpdump: ${said}`)));
    });
    return new Capture(child, folder);
  }

  async stop(): Promise<readonly Flow[]> {
    const ended = once(this.#child, "close");
    this.#child.kill("SIGINT");
    await ended;
    try {
      return flowsIn(readFileSync(join(this.#folder, "packets")));
    } finally {
      rmSync(this.#folder, { recursive: true });
    }
  }
}

/** Retransmitted bytes stand in it twice, which does not matter to who looks for words. */
function flowsIn(file: Buffer): readonly Flow[] {
  const flows = new Map<string, { from: string; to: string; parts: Buffer[] }>();
  for (let at = PCAP_HEAD; at + PACKET_HEAD <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    const packet = file.subarray(at + PACKET_HEAD, at + PACKET_HEAD + length);
    at += PACKET_HEAD + length;
    const segment = segmentOf(packet);
    if (segment === undefined || segment.payload.length === 0) continue;
    const { from, to, payload } = segment;
    const key = `${from}>${to}`;
    const flow = flows.get(key) ?? { from, to, parts: [] };
    flows.set(key, flow);
    flow.parts.push(payload);
  }
  return [...flows.values()].map(({ from, to, parts }) => ({ from, to, bytes: Buffer.concat(parts) }));
}

function segmentOf(packet: Buffer) {
  if (packet.length < ETHERNET_HEAD + 40 || packet.readUInt16BE(12) !== IPV4) return undefined;
  const ip = packet.subarray(ETHERNET_HEAD);
  if (ip.readUInt8(9) !== TCP) return undefined;
  const tcpAt = (ip.readUInt8(0) & 0x0f) * 4;
  // The frame may be longer than what is in it.
  const tcp = ip.subarray(tcpAt, ip.readUInt16BE(2));
  const side = (addressAt: number, portAt: number) =>
    `${[...ip.subarray(addressAt, addressAt + 4)].join(".")}:${tcp.readUInt16BE(portAt)}`;
  const payload = tcp.subarray((tcp.readUInt8(12) >> 4) * 4);
  return { from: side(12, 0), to: side(16, 2), payload };
}

/** Whether the flow begins with a TLS record (RFC 8446 §5.1). */
export function beginsWithTls({ bytes }: Flow): boolean {
  const type = bytes[0] ?? 0;
  return type >= 20 && type <= 23 && bytes[1] === 3;
}

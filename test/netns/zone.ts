/**
 * `node zone.ts PORT HOST…`: a resolver with a few names, by UDP and TCP. Says `ready` when it listens, then each question as
 * `TYPE NAME udp|tcp`. `big.example` is too long for UDP without EDNS; `silent.example` is never answered.
 */
import dgram from "node:dgram";
import net from "node:net";
import {
  type Answer,
  decode,
  encode,
  type Question,
  RECURSION_AVAILABLE,
  TRUNCATED_RESPONSE,
} from "dns-packet";

const BIG = 60;
const UDP_BYTES = 512;
const SOA: Answer = {
  ...{ type: "SOA", name: "example", ttl: 60 },
  data: { mname: "ns.example", rname: "host.example", minimum: 60 },
};

const [port = "", ...hosts] = process.argv.slice(2);
for (const host of hosts) {
  const udp = dgram.createSocket(net.isIP(host) === 6 ? "udp6" : "udp4");
  udp.on("message", (message, { address, port: to }) => {
    const answer = answerTo(message, "udp");
    if (answer !== null) udp.send(answer, to, address);
  });
  await new Promise<void>((resolve) => udp.bind(Number(port), host, resolve));
  const tcp = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      const answer = answerTo(chunk.subarray(2), "tcp");
      if (answer === null) return;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([length, answer]));
    });
  });
  await new Promise<void>((resolve) => tcp.listen(Number(port), host, resolve));
}
console.log("ready");

function answerTo(message: Buffer, by: "udp" | "tcp"): Buffer | null {
  const { id = 0, questions = [] } = decode(message);
  const [question] = questions;
  if (question === undefined) return null;
  console.log(`${question.type} ${question.name} ${by}`);
  const name = question.name.toLowerCase();
  if (name === "silent.example") return null;
  const answers = recordsOf(question);
  const isThere = name === "big.example" || name === "plain.example";
  const answer = {
    id,
    type: "response" as const,
    flags: RECURSION_AVAILABLE | (isThere ? 0 : 3),
    questions: [question],
  };
  const whole = encode({ ...answer, answers, authorities: answers.length === 0 ? [SOA] : [] });
  if (by === "tcp" || whole.length <= UDP_BYTES) return whole;
  return encode({ ...answer, flags: RECURSION_AVAILABLE | TRUNCATED_RESPONSE });
}

function recordsOf({ name, type }: Question): Answer[] {
  if (type !== "A") return [];
  if (name.toLowerCase() === "plain.example") return [{ type: "A", name, ttl: 60, data: "198.18.0.77" }];
  if (name.toLowerCase() !== "big.example") return [];
  return Array.from({ length: BIG }, (_, i) => ({ type: "A", name, ttl: 60, data: `198.19.1.${i}` }));
}

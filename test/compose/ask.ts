/** `node ask.ts URL COUNT`: asks so often, eight at a time, and prints a line of JSON for each answer: status and text. */
const [url = "", count = "1"] = process.argv.slice(2);
const LIMIT_MS = 10_000;
const AT_A_TIME = 8;

let left = Number(count);
await Promise.all(Array.from({ length: AT_A_TIME }, askOn));

async function askOn(): Promise<void> {
  while (left > 0) {
    left--;
    console.log(JSON.stringify(await ask()));
  }
}

async function ask(): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { status: 0, text: String((error as Error).cause ?? error) };
  }
}

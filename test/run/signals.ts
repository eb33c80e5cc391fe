/** Says which signals reach it, a line for each, until SIGTERM comes for the second time. `node signals.ts SIGHUP SIGINT …` */
let terminations = 0;
for (const signal of process.argv.slice(2) as NodeJS.Signals[]) {
  process.on(signal, () => {
    console.log(signal);
    if (signal === "SIGTERM" && ++terminations === 2) process.exit(3);
  });
}
console.log("listening");
setInterval(() => {}, 1_000);

/** Drives the notifier with the least callback there is (allow all) against the client of bench/floors/notify_open. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const native = createRequire(import.meta.url)("../../build/Release/sallyport.node");
const EVENT = { slot: 0 };

const [program = "", iterations = "5000", rounds = "21"] = process.argv.slice(2);

/** utime + stime would count in ticks of 4 ms; schedstat counts nanoseconds. */
const cpuNs = (pid) => Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);

const [ours, theirs] = native.socketPair();
const child = spawn(program, ["-x", "-n", iterations, "-r", rounds], {
  stdio: ["ignore", "inherit", "inherit", theirs],
});
native.closeFd(theirs);
const pid = child.pid;
let start = 0;
let spent = 0;

function supervise(listener) {
  const notifier = native.startNotifier(
    listener,
    (path) => {
      const slot = notifier.event[EVENT.slot];
      if (path.charCodeAt(1) === 46) {
        const now = cpuNs(pid) + process.cpuUsage().user * 1e3 + process.cpuUsage().system * 1e3;
        if (path === "/.sallyport-bench-start") start = now;
        else spent = now - start;
        notifier.replyError(slot, 2);
        return;
      }
      const flags = notifier.wide[2];
      const fd = native.fsOpen(path, flags & ~0o2000000, 0, 0);
      if (fd < 0) notifier.replyError(slot, -fd);
      else notifier.replyFd(slot, fd, flags & 0o2000000);
    },
    () => {},
  );
}

const channel = native.startChannel(
  ours,
  (bytes, _pid, _uid, _gid, fds) => {
    if (fds.length === 1) return supervise(fds[0]);
    const wall = Number(Buffer.from(bytes).toString());
    const cpu = Math.round(spent / (Number(iterations) * Number(rounds)));
    console.log(JSON.stringify({ wallNsMedian: wall, cpuNsPerOp: cpu }));
    channel.close();
  },
  () => {},
);

import { expect, test } from "vitest";
import { Senders } from "../../../../src/broker/tokens/senders.ts";

/** Processes by number: parent and identity. */
type Processes = { [pid: number]: { parent: number; identity: number } };

function senders(processes: Processes, onRead: (pid: number) => void = () => {}) {
  const told = new Senders({
    parentOf: (pid: number) => {
      const parent = processes[pid]?.parent ?? -3;
      onRead(pid);
      return parent;
    },
    identityOf: (pid: number) => processes[pid]?.identity ?? -3,
  });
  told.add(100);
  told.add(200);
  return told;
}

const RUN: Processes = {
  100: { parent: 50, identity: 1 },
  200: { parent: 50, identity: 2 },
  101: { parent: 100, identity: 3 },
  102: { parent: 101, identity: 4 },
  201: { parent: 200, identity: 5 },
  300: { parent: 1, identity: 6 },
};

test("a process belongs to the tree whose launcher it descends from", () => {
  const told = senders(structuredClone(RUN));
  expect(told.belongs(102, 4, 100)).toBe(true);
  expect(told.belongs(102, 4, 200)).toBe(false);
  expect(told.belongs(201, 5, 200)).toBe(true);
  expect(told.belongs(201, 5, 100)).toBe(false);
  expect(told.belongs(300, 6, 100)).toBe(false);
});

test("a sender that is gone, or whose number is another's by now, belongs nowhere", () => {
  const processes = structuredClone(RUN);
  expect(senders(processes).belongs(102, -1, 100)).toBe(false);
  // The number 102 is a process of the first tree; who has sent the message was another.
  expect(senders(processes).belongs(102, 5, 100)).toBe(false);
});

test("a number on the way up that changes its owner while it is looked at gives nobody another tree", () => {
  // 202 of the second tree sends. Its parent 203 ends once it was read, and the first tree gets the number.
  const processes: Processes = {
    ...structuredClone(RUN),
    202: { parent: 203, identity: 7 },
    203: { parent: 200, identity: 8 },
  };
  const told = senders(processes, (pid) => {
    if (pid !== 202) return;
    processes[203] = { parent: 100, identity: 9 };
    processes[202] = { parent: 200, identity: 7 };
  });
  expect(told.belongs(202, 7, 100)).toBe(false);
  expect(told.belongs(202, 7, 200)).toBe(true);
});

test("who was seen is remembered by what nobody else ever is", () => {
  const processes = structuredClone(RUN);
  const told = senders(processes);
  expect(told.belongs(102, 4, 100)).toBe(true);
  // The number goes to the second tree; the old identity keeps its place, the new one gets its own.
  processes[102] = { parent: 200, identity: 10 };
  expect(told.belongs(102, 10, 100)).toBe(false);
  expect(told.belongs(102, 10, 200)).toBe(true);
});

/** Polls the server while the page is visible: more often while a fit is running. */

import { batch, signal } from "@preact/signals";
import { onReload, onVisibility, takeFocus } from "../host/host";
import { type Stop, stopAll } from "../host/stops";
import { parseStep, token } from "../model/positions";
import { merge } from "../model/runIndex";
import { getIndex, getRuns } from "../net/api";
import { ApiError } from "../net/request";
import { chosenPosition, pinned, setFollow } from "./cursor";
import { note } from "./notes";
import { pending } from "./pendingAddress";
import {
  attempt,
  clock,
  generation,
  lastRun,
  logdir,
  newestSegment,
  open,
  positions,
  run,
  runIndex,
  runs,
} from "./run";
import { clearTables, refreshTables } from "./tables";

const EVERY_MS = 2500;
const RUNS_EVERY_MS = 30_000;
const MAX_WAIT_MS = 30_000;

/** The problem with the connection; null if there is none. */
export const trouble = signal<{ text: string; next: number } | null>(null);

let visible = true;
let timer: ReturnType<typeof setTimeout> | undefined;
let busy = false;
let again = false;
let failures = 0;
let runsRequested = Number.NEGATIVE_INFINITY;

function setVisible(now: boolean): void {
  visible = now;
  if (now) pollNow();
  else clearTimeout(timer);
}

/** Poll from now on while the page can be seen, and at once when TensorBoard reloads. */
export const connectPoll = (): Stop =>
  stopAll(
    () => setVisible(false),
    onVisibility((now) => {
      setVisible(now);
      if (now) takeFocus();
    }),
    onReload(() => pollNow(true)),
  );

/** Poll at once: the page became visible, TensorBoard was reloaded, another run was selected. */
export function pollNow(all = false): void {
  if (all) runsRequested = Number.NEGATIVE_INFINITY;
  clearTimeout(timer);
  if (busy) again = true;
  else void poll();
}

async function poll(): Promise<void> {
  busy = true;
  let wait = EVERY_MS;
  try {
    await requestAll();
    if (failures > 0) {
      failures = 0;
      batch(() => {
        trouble.value = null;
        attempt.value += 1;
      });
    }
  } catch (error) {
    failures += 1;
    wait = Math.min(EVERY_MS * 2 ** failures, MAX_WAIT_MS);
    const text = error instanceof Error ? error.message : String(error);
    trouble.value = { text, next: Date.now() + wait };
  } finally {
    busy = false;
  }
  if (failures === 0 && newestSegment.peek()?.status !== "live") wait *= 2;
  clearTimeout(timer);
  if (again) {
    again = false;
    void poll();
  } else if (visible) {
    timer = setTimeout(() => void poll(), wait);
  }
}

async function requestAll(): Promise<void> {
  const due = run.peek() === null || Date.now() - runsRequested >= RUNS_EVERY_MS;
  await Promise.all([due ? requestRuns() : undefined, requestIndex()]);
  if (run.peek() !== null && runIndex.peek() === null) await requestIndex();
}

async function requestRuns(): Promise<void> {
  const answer = await getRuns();
  runsRequested = Date.now();
  batch(() => {
    clock.value = { server: answer.now, here: Date.now() };
    runs.value = answer.runs;
    logdir.value = answer.logdir;
    const names = answer.runs.map((entry) => entry.run);
    const requested = run.peek() ?? lastRun.peek();
    if (requested !== null && names.includes(requested)) return chooseRun(requested);
    const newest = [...answer.runs].sort((a, b) => (b.last ?? 0) - (a.last ?? 0))[0];
    if (requested !== null && newest !== undefined) {
      note(`There is no run “${requested}”; showing “${newest.run}”.`);
    }
    chooseRun(newest?.run ?? null);
  });
}

async function requestIndex(): Promise<void> {
  const name = run.peek();
  if (name === null) return;
  const startGeneration = generation.peek();
  const held = runIndex.peek();
  try {
    const answer = await getIndex(name, held?.cursor ?? null);
    if (startGeneration !== generation.peek()) return;
    batch(() => {
      let pin: string | null = null;
      clock.value = { server: answer.now, here: Date.now() };
      if (answer.reset === true && held !== null) {
        generation.value += 1;
        clearTables();
        pin = pinned.peek() === null ? null : token(held.positions, pinned.peek() ?? -1);
        note("The log was replaced; reloaded.");
      }
      if (held === null || Object.keys(answer).length > 2 || answer.cursor !== held.cursor) {
        runIndex.value = merge(held, answer);
      }
      // Its position may have another number now.
      if (pin !== null) pinned.value = parseStep(pin, positions.peek());
    });
    void refreshTables();
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    runsRequested = Number.NEGATIVE_INFINITY;
    if (startGeneration === generation.peek() && held !== null) open(null);
  }
}

export function chooseRun(name: string | null): void {
  if (name === run.peek()) return;
  batch(() => {
    clearTables();
    pinned.value = null;
    open(name);
  });
}

/** Open a run by hand: at the same epoch, or at its newest one while following. */
export function switchRun(name: string): void {
  if (name === run.peek()) return;
  batch(() => {
    chooseRun(name);
    const { layer, kind } = pending.peek();
    pending.value = { layer, kind };
    // An address whose step was never resolved leaves no position to stay at.
    if (chosenPosition.peek() === null) setFollow(true);
  });
  pollNow();
}

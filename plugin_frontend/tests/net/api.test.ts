import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { getChannels, getCosts, getSheet } from "../../src/net/api";
import { ApiError, IDLE_TIMEOUT_MS } from "../../src/net/request";
import { follower } from "../../src/state/follower";
import { generation } from "../../src/state/run";

/** As `fetch` is: given up where its signal says so, even while the body is on its way. */
type Server = (signal: AbortSignal) => Promise<Response>;

const silent: Server = (signal) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });

/** Sends a byte every `every` ms, `count` in all, and then, perhaps, the end. */
const dripping =
  (every: number, count: number, ends = true): Server =>
  async (signal) => {
    let timer: ReturnType<typeof setInterval>;
    const body = new ReadableStream<Uint8Array>({
      start(out) {
        let sent = 0;
        signal.addEventListener("abort", () => {
          clearInterval(timer);
          out.error(signal.reason);
        });
        timer = setInterval(() => {
          sent += 1;
          out.enqueue(new Uint8Array([sent]));
          if (sent < count) return;
          clearInterval(timer);
          if (ends) out.close();
        }, every);
      },
    });
    return new Response(body);
  };

const serve = (server: Server) =>
  vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => server(signal));

const sheet = { writer: "w", offset: 0, length: 3, crc: 0 };
const lost = { status: 0, message: "TensorBoard is not responding" };

describe("a request", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("ends if nothing arrives", async () => {
    serve(silent);
    const ended = vi.fn();
    const requested = getCosts("r").catch(ended);
    await vi.advanceTimersByTimeAsync(IDLE_TIMEOUT_MS - 1);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await requested;
    expect(ended.mock.calls[0]?.[0]).toBeInstanceOf(ApiError);
    expect(ended.mock.calls[0]?.[0]).toMatchObject(lost);
  });

  it("ends if no more of the answer arrives", async () => {
    serve(dripping(1000, 2, false));
    const requested = expect(getSheet("r", sheet)).rejects.toMatchObject(lost);
    await vi.advanceTimersByTimeAsync(2000 + IDLE_TIMEOUT_MS);
    await requested;
  });

  it("may take long while the answer still arrives", async () => {
    serve(dripping(IDLE_TIMEOUT_MS - 1, 3));
    const requested = getSheet("r", sheet);
    await vi.advanceTimersByTimeAsync(3 * IDLE_TIMEOUT_MS);
    expect([...(await requested)]).toEqual([1, 2, 3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that its caller aborts is no failure of the server", async () => {
    serve(silent);
    const controller = new AbortController();
    const requested = expect(getChannels("r", "a", 0, controller.signal)).rejects.toBe("enough");
    controller.abort("enough");
    await requested;
  });

  it("reports the error message of the server", async () => {
    serve(async () => new Response('{"error": "no such run"}', { status: 404 }));
    await expect(getCosts("r")).rejects.toMatchObject({ status: 404, message: "no such run" });
    serve(async () => new Response("<p>", { status: 502, statusText: "Bad Gateway" }));
    await expect(getCosts("r")).rejects.toMatchObject({ status: 502, message: "502 Bad Gateway" });
  });

  it("that was lost blocks nothing: it is sent again", async () => {
    generation.value += 1;
    serve(silent);
    const added = vi.fn();
    const follow = follower(async (run) => {
      await getCosts(run);
      return { positions: [[0, 1]] };
    }, added);
    const first = follow("r", 0);
    await vi.advanceTimersByTimeAsync(IDLE_TIMEOUT_MS);
    await first;
    expect(added).not.toHaveBeenCalled();
    serve(async () => new Response('{"segments": []}'));
    await follow("r", 0);
    expect(added).toHaveBeenCalledOnce();
  });
});

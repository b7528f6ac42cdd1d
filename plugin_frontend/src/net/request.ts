/** Requests to the plugin: by relative addresses, with an end, and with the error message of the server. */

/** The error message of the server; status 0 if it did not respond. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

type Parameters = Record<string, string | number | null | undefined>;

function address(route: string, parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `./${route}?${text}` : `./${route}`;
}

/** Give up after this long without a byte: a stalled tunnel never ends a request. */
export const IDLE_TIMEOUT_MS = 60_000;

/** Request a route and read its answer; every request ends, so no caller waits forever. */
export async function request<T>(
  route: string,
  parameters: Parameters,
  read: (response: Response) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const idle = new AbortController();
  const startTimer = () => setTimeout(() => idle.abort(), IDLE_TIMEOUT_MS);
  let timer = startTimer();
  // A long answer may take longer on a slow connection; each chunk restarts the timer.
  const monitored = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, out) {
      clearTimeout(timer);
      timer = startTimer();
      out.enqueue(chunk);
    },
  });
  const signals = signal ? [signal, idle.signal] : [idle.signal];
  try {
    const response = await fetch(address(route, parameters), { signal: AbortSignal.any(signals) });
    if (!response.ok) throw new ApiError(response.status, await errorMessage(response));
    return await read(new Response(response.body?.pipeThrough(monitored) ?? null, response));
  } catch (error) {
    if (signal?.aborted || error instanceof ApiError || error instanceof SyntaxError) throw error;
    throw new ApiError(0, "TensorBoard is not responding");
  } finally {
    clearTimeout(timer);
  }
}

async function errorMessage(response: Response): Promise<string> {
  const answer: { error?: string } = await response.json().catch(() => ({}));
  // An answer without a message is described by its status.
  return answer.error || `${response.status} ${response.statusText}`;
}

export const json = <T>(route: string, parameters: Parameters, signal?: AbortSignal): Promise<T> =>
  request(route, parameters, (response) => response.json() as Promise<T>, signal);

export const bytes = async (response: Response) => new Uint8Array(await response.arrayBuffer());

import { logdir } from "../state/run";

/** Instructions while there is no run, with the directory that TensorBoard reads. */
export function Empty() {
  const root = logdir.value || "logs";
  const code = [
    "import tbviz",
    "",
    `monitor = tbviz.Monitor(${JSON.stringify(`${root.replace(/\/$/, "")}/first`)}, images=x_val[:8], labels=y_val[:8])`,
    "model.fit(x_train, y_train, epochs=12, callbacks=[monitor])",
  ].join("\n");
  return (
    <main class="empty" data-testid="empty">
      <div>
        <h2>See what every layer learns</h2>
        <p>Nothing has been logged here yet. Add one callback:</p>
        <pre>
          <code>{code}</code>
        </pre>
        <p class="dim">
          TensorBoard reads <code>{logdir.value || "its log directory"}</code>. Pictures appear here
          at the end of the first epoch.
        </p>
      </div>
    </main>
  );
}

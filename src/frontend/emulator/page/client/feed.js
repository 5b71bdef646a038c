/** What the server tells, as it happens. */

/** Milliseconds without a sign of life after which a connection counts as dead; the server gives one every 15 s. */
const silenceMs = 40_000;

/** Milliseconds before another attempt, where the browser makes none itself. */
const againMs = 2000;

/** @param told called with each set of changes; `state` with "live" and "lost" */
export function listen({ told, state }) {
  let source;
  let seen = "";
  let timer;
  const later = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(connect, ms);
  };

  function connect() {
    source?.close();
    source = new EventSource(`/_page/events${seen ? `?after=${encodeURIComponent(seen)}` : ""}`);
    source.addEventListener("changes", (event) => {
      seen = event.lastEventId;
      later(silenceMs);
      state("live");
      told(JSON.parse(event.data));
    });
    source.addEventListener("alive", () => later(silenceMs));
    source.addEventListener("error", () => {
      state("lost");
      if (source.readyState === EventSource.CLOSED) later(againMs);
    });
    later(silenceMs);
  }
  connect();
}

// The browser client of hotstart watch: reloads this page when its program
// has changed, and shows why saved code does not build or run.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || window.hotstart) return;
  window.hotstart = true;
  const events = new URL("events", script.src);

  // Events after the beginning of this page's response are new to the page.
  const began = () => {
    const [page] = performance.getEntriesByType("navigation");
    return performance.timeOrigin + (page ? page.responseStart : 0);
  };
  let known = began();
  let reloading = false;

  const handle = (news) => {
    if (news.page - news.ahead > known) return reload();
    const styles = Object.entries(news.styles || {}).filter(([, at]) => at - news.ahead > known);
    if (styles.length > 0) {
      known = Math.max(...styles.map(([, at]) => at - news.ahead));
      restyle(styles.map(([name]) => name));
    }
    show(news.failure);
  };

  // Reload only after the program answers, with any status: otherwise the
  // browser would show its own error page, on which no script runs.
  const reload = async () => {
    if (reloading) return;
    reloading = true;
    const address = events.origin === location.origin ? script.src : location.href;
    for (let pause = 50; ; pause = Math.min(pause * 2, 2000)) {
      try {
        await fetch(address, { method: "HEAD", cache: "no-store", redirect: "manual" });
        break;
      } catch {
        await new Promise((done) => setTimeout(done, pause));
      }
    }
    keepForms();
    location.reload();
  };

  // The browser itself keeps the scroll position. What is typed, and the focus, go to the same fields of the new page if
  // it has the same fields.
  const fields = () => [...document.querySelectorAll("input, select, textarea, button")];
  const shape = () => fields().map((field) => [field.tagName, field.type, field.name, field.id].join()).join(";");
  const isEdited = (field) => field.value !== field.defaultValue && ["text", "search", "email", "url", "tel", "number", "textarea"].includes(field.type);
  const keepForms = () => {
    const typed = fields().map((field) => (isEdited(field) ? field.value : null));
    const active = document.activeElement;
    const focus = fields().indexOf(active);
    try {
      sessionStorage.setItem("hotstart", JSON.stringify({ shape: shape(), typed, focus, caret: active.selectionEnd }));
    } catch {} // the browser stores nothing for this page
  };
  const restoreForms = () => {
    try {
      const kept = JSON.parse(sessionStorage.getItem("hotstart"));
      sessionStorage.removeItem("hotstart");
      if (!kept || kept.shape !== shape()) return;
      fields().forEach((field, i) => {
        if (kept.typed[i] !== null) field.value = kept.typed[i];
      });
      const field = fields()[kept.focus];
      if (!field || document.activeElement !== document.body) return;
      field.focus({ preventScroll: true });
      if (kept.caret != null) field.setSelectionRange(kept.caret, kept.caret);
    } catch {} // nothing was kept
  };
  if (document.readyState === "complete") restoreForms();
  else addEventListener("load", restoreForms);

  // The old style sheet is removed when the new one has loaded: no flash. What another sheet or the page itself includes,
  // or has another name now, needs a reload.
  const restyle = (names) => {
    const nameOf = (sheet) => new URL(sheet.href).pathname.split("/").pop();
    const sheets = [...document.querySelectorAll('link[rel~="stylesheet"]')].filter(
      (sheet) => new URL(sheet.href).origin === location.origin && names.includes(nameOf(sheet)),
    );
    if (!names.every((name) => sheets.some((sheet) => nameOf(sheet) === name))) return reload();
    for (const old of sheets) {
      const fresh = old.cloneNode();
      const href = new URL(old.href);
      href.searchParams.set("hotstart", Date.now());
      fresh.href = href;
      fresh.onload = () => old.remove();
      fresh.onerror = reload;
      old.after(fresh);
    }
  };

  const style = `
    :host { position: fixed; inset: auto 0 0 0; z-index: 2147483647; }
    section { background: #1b1b1f; color: #e8e8ec; border-top: 4px solid #e5484d; max-height: 70vh; overflow: auto;
      padding: 1rem 1.25rem; box-sizing: border-box; font: 14px/1.5 ui-monospace, monospace; text-align: left; }
    h1 { color: #ff8b8b; font: inherit; font-weight: bold; margin: 0 2rem 0 0; }
    p { margin: .25rem 0 1rem; color: #b0b0b8; }
    pre { margin: 0 0 1rem; white-space: pre-wrap; font: inherit; }
    pre.frame { white-space: pre; overflow-x: auto; }
    b { color: #8bc2ff; font-weight: normal; }
    button { float: right; background: none; border: 0; color: inherit; font: inherit; cursor: pointer; }`;

  const element = (name, text, ...children) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    made.append(...children);
    return made;
  };

  let overlay = null;
  let hidden = 0; // the failure that the user has hidden
  let shown = 0; // the failure of the overlay

  const show = (failure) => {
    if (overlay && failure && failure.at === shown) return;
    if (overlay) overlay.remove();
    overlay = null;
    if (!failure || failure.at === hidden) return;
    shown = failure.at;
    overlay = element("hotstart-overlay");
    const close = element("button", "×");
    close.title = "Hide until something else is wrong (Esc)";
    close.onclick = () => hide(failure);
    const section = element("section", "", close, element("h1", failure.title), element("p", failure.current));
    for (const problem of failure.problems || []) {
      const place = problem.place ? element("b", problem.place + ": ") : "";
      const frame = element("pre", problem.frame);
      frame.className = "frame"; // lines do not wrap, so the caret is at the right column
      section.append(element("div", "", place, problem.message), frame);
    }
    if (failure.output) section.append(element("pre", failure.output));
    const root = overlay.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet(); // no Content-Security-Policy blocks it
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    root.append(section);
    (document.body || document.documentElement).append(overlay);
  };

  const hide = (failure) => {
    hidden = failure.at;
    show(null);
  };
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && overlay) overlay.shadowRoot.querySelector("button").click();
  });

  // The visible pages of a browser share one connection: the page that has the lock passes events on. Over plain http
  // to another machine there are no locks, and each visible page has a connection. A hidden page has none. It gets the
  // missed events when it is visible again.
  const channel = new BroadcastChannel("hotstart");
  let source = null;
  let latest = null; // news of this page's connection
  let release = () => {};
  let pause, timer;

  const share = (news) => {
    latest = news;
    channel.postMessage(latest);
    handle(latest);
  };
  channel.onmessage = ({ data }) => {
    if (data === "hello") {
      if (latest) channel.postMessage(latest);
    } else if (document.visibilityState !== "hidden") {
      handle(data);
    }
  };

  // The connection ends when a newer worker serves: it answers the next one.
  const connect = () => {
    const opened = Date.now();
    source = new EventSource(events);
    source.onmessage = ({ data }) => {
      const news = JSON.parse(data);
      const ahead = news.now - Date.now(); // hotstart's clock, if it runs on another machine
      share({ ...news, ahead: Math.abs(ahead) > 1000 ? ahead : 0 });
    };
    source.onerror = () => {
      source.close();
      if (Date.now() - opened > 1000) pause = 10;
      pause = Math.min(pause * 2, 2000);
      timer = setTimeout(connect, pause);
    };
  };
  const disconnect = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = latest = null;
    release();
    release = () => {};
  };
  const listen = () => {
    disconnect();
    if (document.visibilityState === "hidden") return;
    pause = 10;
    if (!navigator.locks) return connect();
    channel.postMessage("hello");
    const asked = new AbortController();
    let done = () => asked.abort();
    release = () => done();
    const hold = () => new Promise((end) => {
      done = end;
      if (asked.signal.aborted) end();
      else connect();
    });
    navigator.locks.request("hotstart", { signal: asked.signal }, hold).catch(() => {});
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => event.persisted && listen());
  if (script.src.endsWith("?old")) reload(); // this page is of a worker that is replaced
  else listen();
})();

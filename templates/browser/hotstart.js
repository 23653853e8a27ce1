// The browser client of hotstart watch: reloads this page when its program
// has changed, and shows why saved code does not build or run.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || window.hotstart) return;
  window.hotstart = true;
  const events = new URL("events", script.src);

  // hotstart and the browser use the clock of the same machine: events after
  // the beginning of this page's response are new to the page.
  const began = () => {
    const [page] = performance.getEntriesByType("navigation");
    return performance.timeOrigin + (page ? page.responseStart : 0);
  };
  let known = began();
  let reloading = false;

  const handle = (news) => {
    if (news.page > known) return reload();
    if (news.styles && news.styles.at > known) {
      known = news.styles.at;
      restyle(news.styles.files);
    }
    show(news.failure);
  };

  // Reload only after the program answers, with any status: otherwise the
  // browser would show its own error page, on which no script runs.
  const reload = async () => {
    if (reloading) return;
    reloading = true;
    for (let pause = 50; ; pause = Math.min(pause * 2, 2000)) {
      try {
        await fetch(location.href, { method: "HEAD", cache: "no-store", redirect: "manual" });
        break;
      } catch {
        await new Promise((done) => setTimeout(done, pause));
      }
    }
    location.reload();
  };

  // The old style sheet is removed when the new one has loaded: no flash.
  const restyle = (files) => {
    const names = files.map((file) => file.split("/").pop());
    const sheets = [...document.querySelectorAll('link[rel~="stylesheet"]')].filter(
      (sheet) => new URL(sheet.href).origin === location.origin,
    );
    const named = sheets.filter((sheet) => names.includes(new URL(sheet.href).pathname.split("/").pop()));
    if (sheets.length === 0) return reload();
    for (const old of named.length > 0 ? named : sheets) {
      const fresh = old.cloneNode();
      const href = new URL(old.href);
      href.searchParams.set("hotstart", Date.now());
      fresh.href = href;
      fresh.onload = () => old.remove();
      fresh.onerror = () => fresh.remove();
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

  const show = (failure) => {
    if (overlay) overlay.remove();
    overlay = null;
    if (!failure || failure.at === hidden) return;
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
    root.append(element("style", style), section);
    (document.body || document.documentElement).append(overlay);
  };

  const hide = (failure) => {
    hidden = failure.at;
    show(null);
  };
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && overlay) overlay.shadowRoot.querySelector("button").click();
  });

  // A hidden page closes its connection. It gets the missed events when it is
  // visible again.
  let source = null;
  const listen = () => {
    if (source) source.close();
    source = null;
    if (document.visibilityState === "hidden") return;
    source = new EventSource(events);
    source.onmessage = (message) => handle(JSON.parse(message.data));
  };
  document.addEventListener("visibilitychange", listen);
  addEventListener("pageshow", (event) => event.persisted && listen());
  listen();
})();

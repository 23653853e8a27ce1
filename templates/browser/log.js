// Sends the errors of this page to the terminal of hotstart watch: in a second, at most five, and the number of the
// others. It runs before hotstart.js, in the same script.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script || window.hotstart) return;
  const address = new URL("log", script.src);
  const most = 5;
  let errors = [];
  let seen = 0; // in this second
  let left = 0; // of those, left out
  let soon = 0;

  const send = () => {
    clearTimeout(soon);
    soon = 0;
    if (errors.length > 0 || left > 0) navigator.sendBeacon(address, JSON.stringify({ errors, left }));
    errors = [];
    left = 0;
  };
  const note = (describe) => {
    if (seen === 0) {
      setTimeout(() => {
        seen = 0;
        send();
      }, 1000);
    }
    if (seen++ >= most) return left++;
    try {
      const { text, source = "", line, column } = describe();
      const place = source.replace(location.origin, "").slice(0, 300);
      errors.push({ text: text.slice(0, 500), source: place, line, column });
    } catch {} // a value that can't be described
    soon ||= setTimeout(send, 20);
  };
  addEventListener("pagehide", send);

  // The first place of a stack that is not in this script: "at f (URL:1:2)" in Chromium, "f@URL:1:2" in other browsers.
  const placeOf = (stack) => {
    for (const line of String(stack).split("\n")) {
      const found = /(?:^|[\s(@])([^\s(@]+):(\d+):(\d+)\)?$/.exec(line);
      if (found && found[1] !== script.src) return { source: found[1], line: Number(found[2]), column: Number(found[3]) };
    }
    return {};
  };
  const isError = (value) => value instanceof Error;
  const describe = (value) => {
    if (isError(value)) return `${value.name}: ${value.message}`;
    if (typeof value !== "object" || value === null) return String(value);
    let parts = 100;
    const count = (_, part) => {
      if (parts-- === 0) throw new RangeError("large");
      return part;
    };
    try {
      return JSON.stringify(value, count);
    } catch {
      return Object.prototype.toString.call(value);
    }
  };
  const format = ([first, ...rest]) => {
    const fill = (verb, kind) => {
      if (kind === "%") return "%";
      if (rest.length === 0) return verb;
      const value = rest.shift();
      return kind === "c" ? "" : describe(value); // %c is a style
    };
    const text = typeof first === "string" ? first.replace(/%([sdifoOc%])/g, fill) : describe(first);
    return [text, ...rest.map(describe)].join(" ");
  };

  const log = console.error;
  console.error = (...values) => {
    log.apply(console, values);
    note(() => ({ text: format(values), ...placeOf((values.find(isError) || new Error()).stack) }));
  };
  const onError = ({ target, message, filename, lineno, colno }) =>
    note(() => {
      if (target === window) return { text: message, source: filename, line: lineno, column: colno };
      return { text: `can't load ${target.src || target.href}` };
    });
  addEventListener("error", onError, true); // files that do not load send no other event
  addEventListener("unhandledrejection", ({ reason }) =>
    note(() => ({ text: `Uncaught (in promise) ${describe(reason)}`, ...placeOf(reason?.stack) })),
  );
})();

// Runs one codec. The whole script is evaluated anew for each frame, as in ChirpStack, so that nothing is carried over.
(function (factory, tables, names, shape, loose, commonjs, reachesGlobal) {
  "use strict";
  const { stringify, parse } = JSON;
  const global = globalThis;
  const own = Object.keys;
  const isFunction = (value) => typeof value === "function";
  const kept = new Set(own(global));
  const freeze = (table) => {
    for (const part of Object.values(table)) if (typeof part === "object" && part !== null) freeze(part);
    return Object.freeze(table);
  };
  tables.forEach(freeze);
  const encode = { array: parse, base64: (bytes) => Buffer.from(parse(bytes)).toString("base64"), hex: (bytes) => Buffer.from(parse(bytes)).toString("hex") }[shape];
  let bytesFirst = null;

  if (loose) {
    const quiet = () => undefined;
    const console = { log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet, trace: quiet, table: quiet, dir: quiet };
    for (const [name, value] of [["console", console], ["require", global.__load]]) {
      Object.defineProperty(global, name, { value, writable: true, configurable: true, enumerable: false });
    }
  }

  function find(found, exported) {
    if (isFunction(found.decodeUplink)) return { name: "decodeUplink", f: found.decodeUplink };
    const places = [found, exported, exported && exported.default, global];
    for (const name of names) {
      for (const place of places) if (place && isFunction(place[name])) return { name, f: place[name] };
    }
    if (isFunction(exported)) return { name: "decodeUplink", f: exported };
    throw new ReferenceError("no decodeUplink(input), Decode(fPort, bytes, variables) or Decoder(bytes, port) in this script");
  }

  function parameters(f) {
    const head = /\(([^)]*)\)|^\s*(?:async\s+)?([\w$]+)\s*=>/.exec(Function.prototype.toString.call(f));
    return head ? (head[1] || head[2] || "").split(",").map((name) => name.trim().toLowerCase()) : [];
  }

  function call({ name, f }, bytes, port, time, variables) {
    if (name === "decodeUplink") return f({ bytes, fPort: port, recvTime: new Date(time), variables });
    if (bytesFirst === null) {
      const [first] = parameters(f);
      bytesFirst = /port/.test(first) ? false : /byte|payload|data|buf|raw|msg/.test(first) ? true : name !== "Decode";
    }
    return { data: bytesFirst ? f(bytes, port, variables) : f(port, bytes, variables) };
  }

  // JSON has no NaN; a marker keeps it apart from null.
  const marked = (key, value) => (typeof value === "number" && !isFinite(value) ? "\u0000" + value : typeof value === "bigint" ? Number(value) : value);

  function run(bytes, port, time, variables) {
    try {
      const module = exporting();
      const result = call(find(factory(), module.exports), encode(bytes), port, time, variables === "" ? {} : parse(variables));
      if (result instanceof Promise || (result && result.data instanceof Promise)) {
        throw new TypeError("the codec is async; a codec must return its result at once");
      }
      let text;
      try {
        text = stringify(result);
      } catch {
        text = stringify(result, marked);
      }
      return text !== undefined && text.indexOf("null") >= 0 ? stringify(result, marked) : text;
    } finally {
      sweep();
    }
  }

  // The names a frame leaves behind as globals, for the diagnosis of undeclared variables.
  function leaked(bytes, port, time, variables) {
    try {
      const module = exporting();
      call(find(factory(), module.exports), encode(bytes), port, time, variables === "" ? {} : parse(variables));
    } catch {}
    return sweep().filter((name) => name !== "module" && name !== "exports").join(" ");
  }

  function entry() {
    try {
      const module = exporting();
      return find(factory(), module.exports).name;
    } finally {
      sweep();
    }
  }

  const none = { exports: {} };
  function exporting() {
    if (!commonjs) return none;
    const module = { exports: {} };
    global.module = module;
    global.exports = module.exports;
    return module;
  }

  // In strict mode nothing reaches the global object but by name.
  function sweep() {
    if (!reachesGlobal) return [];
    const names = own(global);
    if (names.length === kept.size) return [];
    const found = names.filter((name) => !kept.has(name));
    for (const name of found) delete global[name];
    return found;
  }

  const jobs = [run, leaked, entry];
  return (job, bytes, port, time, variables) => jobs[job](bytes, port, time, variables);
});

/* The page around the viewer: give a picture, ask, watch, look. No value from outside ever
   becomes markup: labels and file names are set as text. */
(() => {
  "use strict";

  const $ = (id) => document.getElementById(id);
  // Stays in the address: a reload asks for the page again, and the page needs it. Nothing leaks,
  // for the server forbids referrers and requests to elsewhere.
  const TOKEN = new URLSearchParams(location.search).get("token") || "";
  const RULES = new Set(["anchors", "counterfactual"]);
  const SIZED = { slic: ["About how many", 60], watershed: ["About how many", 60], grid: ["Rows and columns", 7] };

  let about = null; // what the server can do
  let picture = null; // the one that the form asks about
  let job = null; // the one being watched: {id, source, since, …}
  let shown = null; // the result on the stage, …
  let mounted = null; // … and the viewer that shows it
  let results = []; // of this session, oldest first
  let asked = 0; // pictures asked for; an answer that comes after a newer request is dropped

  /* ---- small helpers ------------------------------------------------------------------- */
  function make(tag, settings = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(settings)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name in node && name !== "list" && name !== "role") node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children);
    return node;
  }

  function memory(name, value) {
    try { // a browser may forbid storage; then a reload starts afresh
      if (value === undefined) return JSON.parse(sessionStorage.getItem(name));
      sessionStorage.setItem(name, JSON.stringify(value));
    } catch { /* without it */ }
    return null;
  }

  const SESSION = memory("seewhy-session") || crypto.getRandomValues(new Uint32Array(4)).join("-");
  memory("seewhy-session", SESSION);

  const say = (text) => { $("said").textContent = text; };
  const percent = (share) => share >= 0.0995 ? `${Math.round(share * 100)} %`
    : share >= 0.001 ? `${(share * 100).toFixed(1)} %` : "< 0.1 %";
  const jobAt = (id, rest = "") => `/api/jobs/${encodeURIComponent(id)}${rest}`;
  const address = (path) => `${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(TOKEN)}`;

  class Refusal extends Error {
    constructor(sentence, status) { super(sentence); this.status = status; }
  }

  async function ask(path, { method = "GET", body, signal } = {}) {
    const headers = { "X-Seewhy-Token": TOKEN };
    if (body !== undefined && !(body instanceof Blob)) {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify(body);
    }
    let reply;
    try {
      reply = await fetch(path, { method, body, headers, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      lost();
      throw new Refusal("Seewhy does not answer. Is it still running where you started it?", 0);
    }
    const told = await reply.json().catch(() => ({}));
    if (!reply.ok) throw new Refusal(told.error || `Seewhy could not do that (${reply.status}). Try again.`, reply.status);
    return told;
  }

  /* ---- errors and the connection ------------------------------------------------------- */
  const button = (textContent, onclick, more) => make("button", { type: "button", textContent, onclick, ...more });

  function complain(error, ...ways) {
    const buttons = ways.map(([label, act]) => button(label, () => { calm(); act(); }));
    const close = button("×", calm, { className: "quiet", ariaLabel: "Dismiss" });
    const text = error.message || error;
    $("error").replaceChildren(make("p", { textContent: text[0].toUpperCase() + text.slice(1) }), ...buttons, close);
    $("error").hidden = false;
    $("error").scrollIntoView({ block: "nearest" });
  }

  function calm() { $("error").hidden = true; $("error").replaceChildren(); }

  let looking = null;

  function lost() {
    if (looking) return;
    $("connection").textContent = "Connection to Seewhy lost. Trying again…";
    $("connection").hidden = false;
    const look = async () => {
      try {
        const reply = await fetch(address("/api/about"));
        if (!reply.ok) throw new Error();
        looking = null;
        $("connection").hidden = true;
        say("Connected again.");
        if (!about) begin();
      } catch { looking = setTimeout(look, 1500); }
    };
    looking = setTimeout(look, 1000);
  }

  /* ---- the start screen ---------------------------------------------------------------- */
  async function begin() {
    try {
      about = await ask("/api/about");
    } catch (error) {
      return complain(error, ["Try again", begin]);
    }
    calm();
    describeModel();
    fillForm();
    $("limits").textContent = `up to ${Math.round(about.limits.bytes / 2 ** 20)} MB`;
    $("samples").replaceChildren(...about.samples.map(sampleTile));
    $("samples-box").hidden = !about.samples.length;
    results = (memory("seewhy-results") || []).filter((one) => one && one.id);
    picture = memory("seewhy-picture");
    if (picture) showPicture(); else show("start");
    drawHistory();
    const running = memory("seewhy-running");
    if (running) watch(running);
    return results.length && openResult(results[results.length - 1], "restored");
  }

  function describeModel() {
    const card = about.model;
    const [height, width] = card.input;
    const { input, resize } = card.preprocessing;
    const fit = resize.shorter_side ? `shorter side ${resize.shorter_side}, centre cut out` : "stretched to fit";
    const fed = `${input.channels} ${width} × ${height}, ${fit}`;
    $("model").title = `${card.spec}: ${card.labels_count.toLocaleString("en")} classes · fed ${fed}`;
    $("model").replaceChildren(make("strong", { textContent: card.spec }), $("model").title.slice(card.spec.length + 1));
  }

  function sampleTile(sample) {
    const take = () => ask(`/api/pictures/sample/${encodeURIComponent(sample.id)}`, { method: "POST" });
    const tile = button("", () => give(take, sample.name), { className: "sample" });
    tile.append(make("img", { src: sample.thumb, alt: "" }), make("span", { textContent: sample.name }));
    return make("li", {}, tile);
  }

  function show(place) {
    for (const one of ["start", "work"]) $(one).hidden = one !== place;
    $("back").hidden = !picture;
  }

  /* ---- a picture comes in: chosen, dropped, pasted, or a sample -------------------------- */
  function giveFiles(files) {
    const file = files[0];
    if (!file) return complain("That was no file. Save the picture first, then drop the file.");
    const cap = about ? about.limits.bytes : Infinity;
    if (file.size > cap) {
      return complain(`${file.name} has ${Math.ceil(file.size / 2 ** 20)} MB, more than the ${Math.round(cap / 2 ** 20)} `
        + "MB that are accepted. Scale it down; the model sees it small anyway.", ["Choose another picture", choose]);
    }
    const name = file.name || "pasted.png";
    const body = new Blob([file], { type: "application/octet-stream" });
    return give(() => ask(`/api/pictures?name=${encodeURIComponent(name)}`, { method: "POST", body }), name, files.length);
  }

  async function give(request, name, count = 1) {
    const mine = ++asked;
    calm();
    document.body.classList.add("reading");
    say(`Reading ${name}…`);
    try {
      const told = await request();
      if (mine !== asked) return;
      picture = told;
      memory("seewhy-picture", picture);
      showPicture();
      const more = count > 1 ? ` The first of ${count} files was taken.` : "";
      say(`${told.name}: the model says ${told.predictions[0].label}.${more}`);
      window.scrollTo({ top: 0 });
      $("explain").focus({ preventScroll: true });
    } catch (error) {
      if (mine !== asked) return;
      say("");
      complain(error, ["Choose another picture", choose]);
    } finally {
      if (mine === asked) document.body.classList.remove("reading");
    }
  }

  const choose = () => $("file").click();

  function showPicture() {
    show("work");
    $("picture-name").textContent = picture.name;
    $("picture-name").title = picture.name;
    $("picture-facts").textContent = `${picture.width} × ${picture.height} pixels`;
    $("preview").src = picture.preview;
    $("predictions").replaceChildren(...picture.predictions.map(predictionRow));
    for (const field of document.querySelectorAll("[data-labels]")) forget(field);
    $("idle").hidden = Boolean(shown);
  }

  function predictionRow(one, place, all) {
    const raw = one.probability === null;
    const top = Math.max(...all.map((other) => Math.abs(other.score)), 1e-12);
    const share = raw ? Math.abs(one.score) / top : one.probability;
    const bar = make("span", { className: "bar" });
    bar.style.setProperty("--share", String(Math.max(0, Math.min(1, share))));
    return make("li", {}, make("span", { className: "label", textContent: one.label, title: one.label }),
      make("span", { className: "numbers", textContent: raw ? one.score.toFixed(2)
        : percent(one.probability) }), bar);
  }

  /* ---- the form ------------------------------------------------------------------------ */
  function fillForm() {
    const groups = [["Which regions count", (one) => !RULES.has(one.name) && !one.needs_gradients],
      ["Rules and changes", (one) => RULES.has(one.name)],
      ["By the model's gradients", (one) => one.needs_gradients]];
    $("methods").replaceChildren(...groups.map(([title, mine]) => {
      const chips = about.methods.filter(mine).map(methodChip);
      return chips.length ? make("div", { role: "group", ariaLabel: title },
        make("p", { className: "group", textContent: title }), make("div", { className: "chips" }, ...chips)) : "";
    }));
    tellMethod(about.methods.find((one) => one.name === "lime") || about.methods[0]);
    options("segments", about.segments.map((one) => [one.spec.split(":")[0], one.label]));
    options("fill", about.fills.map((one) => [one.spec, one.label]));
    options("score", about.scores.map((one) => [one, one === "raw" ? "the model's own outputs" : one]));
    sizeSegments();
  }

  const options = (id, pairs) =>
    $(id).replaceChildren(...pairs.map(([value, textContent]) => make("option", { value, textContent })));

  const methodLabel = (name) => (about.methods.find((one) => one.name === name) || { label: name }).label;
  const inWords = (one) => one.unavailable ? `Not here: ${one.unavailable}` : one.what;

  function methodChip(one) {
    const why = one.unavailable;
    const input = make("input", { type: "checkbox", name: "method", value: one.name,
      checked: one.name === "lime" && !why, disabled: Boolean(why) });
    input.setAttribute("aria-describedby", `what-${one.name}`);
    const chip = make("label", { className: "chip", title: why || "" }, input,
      make("span", { textContent: one.label }),
      make("span", { className: "unseen", id: `what-${one.name}`, textContent: inWords(one) }));
    for (const event of ["pointerenter", "focusin", "click"]) chip.addEventListener(event, () => tellMethod(one));
    return chip;
  }

  const tellMethod = (one) =>
    $("method-what").replaceChildren(make("strong", { textContent: one.label }), ` ${inWords(one)}`);

  function sizeSegments() {
    const kind = $("segments").value;
    const given = about.segments.map((one) => one.spec).find((one) => one.startsWith(kind));
    const sized = SIZED[kind];
    $("count-field").hidden = !sized;
    if (!sized) return;
    $("count-name").textContent = sized[0];
    $("count").value = given.split(":")[1] || sized[1];
    $("count").max = kind === "grid" ? 40 : 400;
  }

  function question(kind) {
    const which = new FormData($("form")).get("which");
    const chosen = [...document.querySelectorAll("[name=method]:checked")].map((one) => one.value);
    if (!chosen.length) throw new Refusal("Choose at least one way to explain, such as LIME.");
    if (kind === "compare" && chosen.length === 1) chosen.length = 0; // then all that the model allows
    const target = which === "target" ? classOf("target") : null;
    if (which === "target" && target === null) throw new Refusal("Name the class that is to be explained.");
    const kindOfCut = $("segments").value;
    return {
      session: SESSION, picture: picture.id, kind, target,
      methods: chosen.join(",") || null,
      segments: SIZED[kindOfCut] ? `${kindOfCut}:${whole("count", "Regions") || SIZED[kindOfCut][1]}` : kindOfCut,
      fill: $("fill").value, score: $("score").value, top: Number($("top").value),
      budget: whole("budget", "Model calls") || "auto", seed: whole("seed", "Seed"),
      against: classOf("against"), true: kind === "compare" ? null : classOf("true"),
    };
  }

  function whole(id, called) {
    const text = $(id).value.trim();
    if (!text) return null;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new Refusal(`${called} must be a whole number, or empty; “${text.slice(0, 40)}” is not.`);
  }

  /* ---- a class by its name, with suggestions --------------------------------------------- */
  // Two classes of a model may share a name (ImageNet has two cranes): a picked one goes by index.
  const classOf = (id) => $(id).dataset.index ? Number($(id).dataset.index) : $(id).value.trim() || null;

  function forget(field) { field.value = ""; delete field.dataset.index; }

  function suggest(field) {
    const list = make("ul", { id: `${field.id}-list`, className: "suggestions", role: "listbox", hidden: true });
    field.after(list);
    const traits = { role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" };
    for (const [name, value] of Object.entries(traits)) field.setAttribute(name, value);
    let at = -1;
    let waiting = 0;
    const close = () => {
      list.hidden = true;
      at = -1;
      field.setAttribute("aria-expanded", "false");
      field.removeAttribute("aria-activedescendant");
    };
    const pick = (item) => {
      field.value = item.dataset.label;
      field.dataset.index = item.dataset.index;
      close();
    };
    const move = (step) => {
      at = (at + step + list.children.length) % list.children.length;
      [...list.children].forEach((item, place) => item.setAttribute("aria-selected", place === at));
      list.children[at].scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", list.children[at].id);
    };
    const look = async () => {
      const mine = ++waiting;
      const found = await ask(`/api/labels?q=${encodeURIComponent(field.value.trim())}`).catch(() => []);
      if (mine !== waiting || document.activeElement !== field) return;
      list.replaceChildren(...found.map((one, place) => {
        const twin = found.some((other) => other !== one && other.label === one.label);
        const item = make("li", { role: "option", id: `${list.id}-${place}`, textContent: one.label
          + (twin ? ` (class ${one.index})` : ""), onpointerdown: (event) => { event.preventDefault(); pick(item); } });
        Object.assign(item.dataset, one);
        return item;
      }));
      close();
      list.hidden = !found.length;
      field.setAttribute("aria-expanded", String(!list.hidden));
    };
    field.addEventListener("input", () => { delete field.dataset.index; look(); });
    field.addEventListener("blur", () => { waiting += 1; close(); });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      else if (list.hidden) {
        if (event.key === "ArrowDown") look();
      } else if (event.key === "ArrowDown") move(1);
      else if (event.key === "ArrowUp") move(at < 0 ? 0 : -1);
      else if (event.key === "Enter" && at >= 0) pick(list.children[at]);
      else return;
      if (["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) event.preventDefault();
    });
  }

  /* ---- a job: asked for, watched, cancelled ----------------------------------------------- */
  async function start(kind) {
    if (job) return;
    calm();
    try {
      const asking = question(kind);
      busy(true);
      const told = await ask("/api/jobs", { method: "POST", body: asking });
      const methods = (asking.methods || "").split(",").map(methodLabel);
      watch({ id: told.id, kind, name: picture.name, since: Date.now(), methods });
    } catch (error) {
      busy(false);
      complain(error, ...(error.status === 404 ? [["Choose a picture", choose]] : []));
    }
  }

  const busy = (on) => { for (const one of ["explain", "compare"]) $(one).disabled = on; };

  function watch(entry) {
    job = { ...entry, tries: 0 };
    memory("seewhy-running", entry);
    busy(true);
    show("work");
    $("progress").hidden = false;
    $("progress-title").textContent = `${entry.kind === "compare" ? "Comparing methods on" : "Explaining"} ${entry.name}`;
    $("progress").scrollIntoView({ block: "nearest" });
    tellProgress({ state: "queued", stage: "", done: 0, total: 0, ahead: 0 });
    job.clock = setInterval(tick, 1000);
    tick();
    listen();
  }

  function tick() {
    const seconds = Math.max(0, Math.round((Date.now() - job.since) / 1000));
    $("elapsed").textContent = seconds < 60 ? `${seconds} s`
      : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  }

  // Closing this stream tells the server that nobody waits any more, so it stops the job.
  function listen() {
    const mine = job;
    const source = new EventSource(address(jobAt(mine.id, "/events")));
    mine.source = source;
    const told = (event) => { try { return JSON.parse(event.data); } catch { return {}; } };
    source.addEventListener("progress", (event) => { mine.tries = 0; tellProgress(told(event)); });
    for (const end of ["done", "failed", "cancelled"]) {
      source.addEventListener(end, (event) => finish(mine, end, told(event)));
    }
    source.onerror = () => { // our own retry: the browser's pause is longer than the server's patience
      source.close();
      if (job === mine) again(mine);
    };
  }

  async function again(mine) {
    mine.tries += 1;
    const state = await ask(jobAt(mine.id)).catch((error) => error);
    if (job !== mine) return;
    if (state instanceof Refusal && state.status) finish(mine, "failed", { error: state.message });
    else if (["done", "failed", "cancelled"].includes(state.state)) finish(mine, state.state, state);
    else {
      $("stage-text").textContent = "Connection lost. Trying again…";
      setTimeout(() => { if (job === mine) listen(); }, Math.min(4000, 250 * 2 ** mine.tries));
    }
  }

  function tellProgress(told) {
    const queued = told.state === "queued";
    const text = queued ? (told.ahead > 0 ? `Waiting, ${told.ahead} ahead` : "Starting…")
      : (told.stage || "Working…").replace(/^[\w-]+(?=:)/, (name) => methodLabel(name));
    const bar = $("bar");
    if (!queued && told.total > 0) {
      bar.max = told.total;
      bar.value = Math.min(told.done, told.total);
    } else bar.removeAttribute("value");
    const counted = !queued && told.total > 1
      ? ` · ${told.done.toLocaleString("en")} of ${told.total.toLocaleString("en")}` : "";
    if (job && job.stage !== text) { job.stage = text; say(text); }
    $("stage-text").textContent = text[0].toUpperCase() + text.slice(1) + counted;
  }

  function finish(mine, end, told) {
    if (job !== mine) return;
    mine.source.close();
    clearInterval(mine.clock);
    job = null;
    memory("seewhy-running", null);
    busy(false);
    $("progress").hidden = true;
    if (end === "done") {
      const entry = { id: mine.id, kind: mine.kind, name: mine.name, methods: mine.methods };
      results = [...results.filter((one) => one.id !== mine.id), entry].slice(-16);
      openResult(entry, "fresh");
    } else if (end === "failed") {
      complain(told.error || "The model could not be asked. Try again.", ["Try again", () => start(mine.kind)]);
    } else if (!mine.stopped) {
      complain("The job was stopped by Seewhy; ask again.", ["Try again", () => start(mine.kind)]);
    } else {
      say("Cancelled.");
      $("explain").focus({ preventScroll: true });
    }
  }

  async function cancel() {
    if (!job) return;
    const mine = job;
    mine.stopped = true;
    $("cancel").disabled = true;
    $("stage-text").textContent = "Stopping…";
    try {
      await ask(jobAt(mine.id), { method: "DELETE" });
    } catch (error) {
      if (error.status !== 404 && error.status !== 409) complain(error);
    }
    $("cancel").disabled = false;
    setTimeout(() => finish(mine, "cancelled", {}), 1500); // where the stream has not told us before
  }

  /* ---- results ------------------------------------------------------------------------- */
  async function openResult(entry, how = "") {
    const before = shown;
    shown = entry;
    drawHistory();
    let view;
    try {
      view = await ask(jobAt(entry.id, "/view"));
    } catch (error) {
      if (shown !== entry) return;
      if (error.status === 404) results = results.filter((one) => one.id !== entry.id);
      shown = before;
      drawHistory();
      if (how !== "restored") complain(error);
      return;
    }
    if (shown !== entry) return;
    if (mounted) mounted.destroy();
    $("idle").hidden = true;
    $("result").hidden = false;
    $("result").ariaLabel = `Result: ${entry.name}, ${entryTitle(entry)}`;
    $("report").href = address(jobAt(entry.id, "/report.html"));
    $("zip").href = address(jobAt(entry.id, "/result.zip"));
    $("viewer").replaceChildren(make("div"));
    const host = { theme: theme(), whatIf: liveAnswer(entry.id) };
    mounted = window.Seewhy.mount($("viewer").firstChild, view, host);
    if (!entry.thumb) thumbnail(entry, view.items[0]);
    if (how === "fresh") {
      say(`The explanation of ${entry.name} is ready.`);
      $("result").focus({ preventScroll: true });
      const { top } = $("result").getBoundingClientRect();
      if (top < 0 || top > innerHeight / 2) $("result").scrollIntoView();
    }
  }

  const entryTitle = (entry) => entry.kind === "compare" ? "comparison" : entry.methods.join(", ");

  function liveAnswer(id) {
    let last = null;
    return async (item, hidden) => {
      if (last) last.abort();
      last = new AbortController();
      return ask(jobAt(id, "/what-if"), { method: "POST", body: { hidden }, signal: last.signal });
    };
  }

  function thumbnail(entry, item) {
    const image = new Image();
    image.onload = () => {
      const canvas = make("canvas", { width: 96, height: 72 });
      const zoom = Math.max(96 / image.width, 72 / image.height);
      const [wide, high] = [image.width * zoom, image.height * zoom];
      canvas.getContext("2d").drawImage(image, (96 - wide) / 2, (72 - high) / 2, wide, high);
      entry.thumb = canvas.toDataURL("image/jpeg", 0.7);
      drawHistory();
    };
    image.src = item.picture.src;
  }

  function drawHistory() {
    memory("seewhy-results", results);
    $("history-box").hidden = results.length < 2;
    $("history").replaceChildren(...[...results].reverse().map((entry) => {
      const here = Boolean(shown && shown.id === entry.id);
      const open = button("", () => { if (!here) { calm(); openResult(entry); } }, { className: "entry" });
      open.setAttribute("aria-current", String(here));
      if (entry.thumb) open.append(make("img", { src: entry.thumb, alt: "" }));
      open.append(make("span", { className: "entry-words" }, make("strong", { textContent: entry.name }),
        make("span", { textContent: entryTitle(entry) })));
      return make("li", {}, open);
    }));
  }

  /* ---- light and dark ------------------------------------------------------------------- */
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => document.documentElement.dataset.theme;

  function setTheme(name) {
    document.documentElement.dataset.theme = name;
    $("theme").textContent = name === "dark" ? "☀" : "☾";
    $("theme").title = $("theme").ariaLabel = name === "dark" ? "Light colours" : "Dark colours";
    for (const root of document.querySelectorAll(".sw")) root.dataset.theme = name;
    return name;
  }

  /* ---- wiring ---------------------------------------------------------------------------- */
  function acceptDrops() {
    let depth = 0; // dragenter and dragleave also come from children
    const ours = (event) => !event.target.closest?.("input"); // text may be dropped into fields
    const veil = (on) => { $("veil").hidden = !on; };
    addEventListener("dragenter", (event) => { depth += 1; veil(event.dataTransfer.types.includes("Files")); });
    addEventListener("dragleave", () => { depth -= 1; if (depth <= 0) veil(false); });
    addEventListener("dragover", (event) => { if (ours(event)) event.preventDefault(); });
    addEventListener("drop", (event) => {
      depth = 0;
      veil(false);
      if (!ours(event)) return;
      event.preventDefault();
      giveFiles(event.dataTransfer.files);
    });
    addEventListener("paste", (event) => {
      const { files } = event.clipboardData;
      if (files.length) { event.preventDefault(); giveFiles(files); }
    });
  }

  function wire() {
    setTheme(memory("seewhy-theme") || (dark.matches ? "dark" : "light"));
    dark.addEventListener("change", () => { if (!memory("seewhy-theme")) setTheme(dark.matches ? "dark" : "light"); });
    $("theme").addEventListener("click", () => memory("seewhy-theme", setTheme(theme() === "dark" ? "light" : "dark")));
    $("choose").addEventListener("click", (event) => { event.stopPropagation(); choose(); });
    $("drop").addEventListener("click", choose);
    $("another").addEventListener("click", () => { show("start"); $("choose").focus(); });
    $("back").addEventListener("click", () => { show("work"); $("another").focus(); });
    $("file").addEventListener("change", () => {
      if ($("file").files.length) giveFiles([...$("file").files]);
      $("file").value = ""; // or the same file could not be chosen twice
    });
    $("form").addEventListener("submit", (event) => { event.preventDefault(); start("explain"); });
    $("compare").addEventListener("click", () => start("compare"));
    $("cancel").addEventListener("click", cancel);
    $("segments").addEventListener("change", sizeSegments);
    for (const radio of document.querySelectorAll("[name=which]")) {
      radio.addEventListener("change", () => ["top", "target"].forEach((one) => {
        $(`${one}-field`).hidden = one !== radio.value; }));
    }
    document.querySelectorAll("[data-labels]").forEach(suggest);
    acceptDrops();
    begin();
  }

  wire();
})();

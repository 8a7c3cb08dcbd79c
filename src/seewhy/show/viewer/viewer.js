/* Seewhy's viewer: one page for reports, notebooks and the app. No build step, nothing fetched.

   Seewhy.mount(root, document, host) shows a view document (made by seewhy.run.viewing). Texts of
   the document (labels, file names) are hostile: they reach the page as text, never as markup. */
"use strict";
window.Seewhy = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const FOR = [11, 122, 117], AGAINST = [209, 87, 10], GREY = [233, 233, 233], UNSEEN = [243, 244, 246];
  const TINT = 0.72, TINT_EXPONENT = 0.7, DESATURATE = 0.5, LIGHTEN = 0.25, DIM = 0.6;
  const Z = 1.959964;                       // half width of a 95 % interval, in standard errors
  const BADGES = 6;                         // so many regions are numbered on a small picture
  const TINY = 128;                         // of smaller pictures the pixels themselves are shown
  const DECODED = 4;                        // so many pictures stay decoded, some 10 MB each
  const MODES = [["overlay", "Overlay"], ["heat", "Heat map"], ["rest", "Hide the rest"], ["plain", "Picture"]];
  const SIDES = [["both", "Both"], ["for", "For"], ["against", "Against"]];
  const shards = new Map(), waiting = new Map();
  let serial = 0;

  // ---- making elements -------------------------------------------------------------------------

  function make(tag, props = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "on") for (const [event, call] of Object.entries(value)) node.addEventListener(event, call);
      else if (name === "sw") node.dataset.sw = value;
      else if (name === "text") node.textContent = value;
      else if (name === "class") node.className = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  function draw(tag, attributes = {}, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  /** A name that may be long, of any script and of several lines, on one line of its own. */
  const named = (text, props = {}) => make("bdi", { ...props, title: text, text: oneLine(text) });
  const oneLine = (text) => String(text).split(/\s+/u).filter(Boolean).join(" ").slice(0, 400) || "unnamed";

  // ---- numbers in words, as the figures write them -----------------------------------------------

  const signs = (text) => text.replace("-", "\u2212");

  /** As toFixed, but a half goes to the even digit, as it does in the figures and sentences. */
  function fixed(value, digits) {
    const twice = 2 * value * 10 ** digits;
    const half = Number.isInteger(value * 2 ** 20) && Math.abs(twice) % 2 === 1;
    return (half ? 2 * Math.round(twice / 4) / 10 ** digits : value).toFixed(digits);
  }

  function percent(share) {
    if (share > 0 && share < 0.001) return "< 0.1 %";
    if (share > 0.999 && share < 1) return "> 99.9 %";
    const fine = share !== 0 && share !== 1 && (share < 0.0995 || share >= 0.995);
    return `${fixed(100 * share, fine ? 1 : 0)} %`;
  }

  /** Two digits that matter, whole numbers from 10 on. */
  function plainNumber(size) {
    const digits = size === 0 || Math.abs(size) >= 10 ? 0 : Math.min(100, 1 - Math.floor(Math.log10(Math.abs(size))));
    return signs(String(Number(fixed(size, digits))));
  }

  function factor(effect) {
    if (Math.abs(effect) > 6.9) return "over 1000";
    const ratio = Math.exp(Math.abs(effect));
    return ratio.toFixed(ratio < 1.095 ? 2 : ratio < 9.95 ? 1 : 0);
  }

  const onOdds = (unit) => unit === "log-odds" || unit === "log-probability";
  const bare = (effect, unit) => onOdds(unit) ? factor(effect)
    : plainNumber(Math.abs(effect) * (unit === "probability" ? 100 : 1));

  function signed(effect, unit) {
    if (effect === 0) return "0";
    if (onOdds(unit)) return (effect > 0 ? "×" : "÷") + factor(effect).replace("over ", "");
    return (effect > 0 ? "+" : "\u2212") + bare(effect, unit);
  }

  const written = (value) => (value > 0 ? "+" : "") + signs(Math.abs(value) < 999.5 ? value.toPrecision(3) : value.toFixed(0));

  function amount(effect, unit) {
    if (onOdds(unit)) return `${factor(effect)}-fold`;
    const size = bare(effect, unit);
    return unit === "probability" ? `by ${size} point${size === "1" ? "" : "s"}` : `by ${size}`;
  }

  const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

  // ---- data: pictures, regions, what was asked -----------------------------------------------------

  const bytesOf = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

  async function inflate(base64) {
    const packed = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
    try {
      return new Uint8Array(await new Response(packed).arrayBuffer());
    } catch {
      throw new Error("its data are damaged");
    }
  }

  function loadImage(src) {
    return new Promise((done, failed) => {
      const image = new Image();
      image.onload = () => done(image);
      image.onerror = () => failed(new Error("a picture of this page cannot be read"));
      image.src = src;
    });
  }

  function pixelsOf(image, width, height) {
    const canvas = make("canvas", { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  }

  function softened(pixels) {
    const soft = new Uint8ClampedArray(pixels.length);
    for (let i = 0; i < pixels.length; i += 4) {
      const grey = 0.299 * pixels[i] + 0.587 * pixels[i + 1] + 0.114 * pixels[i + 2];
      for (let c = 0; c < 3; c += 1) {
        const colour = pixels[i + c] + DESATURATE * (grey - pixels[i + c]);
        soft[i + c] = colour + LIGHTEN * (255 - colour);
      }
    }
    return soft;
  }

  async function decode(item) {
    const { width, height } = item.picture;
    const [raw, picture, hidden] = await Promise.all(
      [inflate(item.labels.deflated), loadImage(item.picture.src), loadImage(item.hidden.src)]);
    const labels = new Int32Array(width * height);
    const wide = item.labels.bits === 16, outside = wide ? 65535 : 255;
    for (let i = 0; i < labels.length; i += 1) {
      const label = wide ? raw[2 * i] + 256 * raw[2 * i + 1] : raw[i];
      labels[i] = label === outside ? -1 : label;
    }
    const pixels = pixelsOf(picture, width, height);
    return { width, height, labels, pixels, soft: softened(pixels), fill: pixelsOf(hidden, width, height),
      borders: borders(labels, width, height, item.count), centres: centres(labels, width, height, item.count),
      record: await readRecord(item) };
  }

  /** For every region the path along its border, in pixels of the picture. */
  function borders(labels, width, height, count) {
    const paths = Array.from({ length: count }, () => new Path2D());
    const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? -2 : labels[y * width + x]);
    const scan = (lines, length, sides, line) => {
      for (let i = 0; i <= lines; i += 1) {
        for (let start = 0, j = 1; j <= length; j += 1) {
          const [a, b] = sides(i, start);
          if (j < length) {
            const [c, d] = sides(i, j);
            if (a === c && b === d) continue;
          }
          if (a !== b) for (const player of [a, b]) if (player >= 0) line(paths[player], i, start, j);
          start = j;
        }
      }
    };
    scan(height, width, (y, x) => [at(x, y - 1), at(x, y)],
      (path, y, from, to) => { path.moveTo(from, y); path.lineTo(to, y); });
    scan(width, height, (x, y) => [at(x - 1, y), at(x, y)],
      (path, x, from, to) => { path.moveTo(x, from); path.lineTo(x, to); });
    return paths;
  }

  /** For every region the pixel farthest from its border, and how far that is. */
  function centres(labels, width, height, count) {
    const depth = new Int32Array(labels.length);
    const inside = (i, j) => (labels[i] === labels[j] ? depth[j] : 0);
    for (let i = 0; i < labels.length; i += 1) {
      const x = i % width;
      depth[i] = 1 + Math.min(x > 0 ? inside(i, i - 1) : 0, i >= width ? inside(i, i - width) : 0);
    }
    const found = Array.from({ length: count }, () => ({ x: 0, y: 0, radius: 0 }));
    for (let i = labels.length - 1; i >= 0; i -= 1) {
      const x = i % width;
      const right = x < width - 1 ? inside(i, i + 1) : 0;
      const below = i + width < labels.length ? inside(i, i + width) : 0;
      depth[i] = Math.min(depth[i], 1 + right, 1 + below);
      const best = found[labels[i]];
      if (best && depth[i] > best.radius) Object.assign(best, { x: x + 0.5, y: (i - x) / width + 0.5, radius: depth[i] });
    }
    return found;
  }

  async function readRecord(item) {
    if (!item.record) return null;
    const { classes, names, n, kind } = item.record;
    const packed = await inflate(item.record.masks), step = Math.ceil(item.count / 8);
    const raw = await inflate(item.record.outputs), view = new DataView(raw.buffer);
    const rows = new Map();
    for (let row = 0; row < n; row += 1) {
      const key = String.fromCharCode(...packed.subarray(row * step, (row + 1) * step));
      rows.set(key, classes.map((_, c) => view.getFloat32(4 * (row * classes.length + c), true)));
    }
    return { classes, names, kind, rows };
  }

  function keyOf(hidden, count) {
    const bytes = new Uint8Array(Math.ceil(count / 8));
    for (let player = 0; player < count; player += 1) if (!hidden.has(player)) bytes[player >> 3] |= 1 << (player & 7);
    return String.fromCharCode(...bytes);
  }

  // ---- what the model says with regions hidden: asked before, or added up ----------------------------

  /** Rows {index, label, p, score} of a mask that was asked about, likeliest first; null of others. */
  function measured(item, data, hidden) {
    if (!hidden.size) {
      const told = new Map([...item.predictions, ...item.targets].map((each) => [each.index, each]));
      return [...told.values()].map((each) => ({ index: each.index, label: each.label, p: each.probability, score: each.score }));
    }
    const outputs = data.record && data.record.rows.get(keyOf(hidden, item.count));
    if (!outputs) return null;
    const raw = data.record.kind === "raw";
    return data.record.classes
      .map((index, c) => ({ index, label: data.record.names[c], p: raw ? null : Math.exp(outputs[c]), score: outputs[c] }))
      .sort((a, b) => b.score - a.score);
  }

  const addsUp = (method) => Boolean(method.columns) && (method.reading === "hiding" || method.reading === "share");

  /** The whole picture's score less the values of what is hidden: a reading, not an answer. */
  function estimated(item, method, hidden) {
    return item.targets.map((target, t) => {
      const values = method.columns[t].values;
      let score = target.score;
      if (item.against && item.unit !== "raw") score = Math.log(target.probability / item.against.probability);
      for (const player of hidden) score -= values[player];
      return { index: target.index, label: target.label, score, p: chance(item, score) };
    });
  }

  function chance(item, score) {
    if (item.unit === "raw" || item.against) return null;
    if (item.unit === "log-odds") return 1 / (1 + Math.exp(-score));
    return Math.min(1, Math.max(0, item.unit === "log-probability" ? Math.exp(score) : score));
  }

  /** Regions from the one that speaks most for a class to the one that speaks most against it. */
  const walkOf = (values) => values.map((_, player) => player).sort((a, b) => values[b] - values[a] || a - b);

  /** Regions to name first: certain ones before others, each kind by size; zeros come last. */
  function rankingOf(column) {
    const rank = (player) => (column.certain[player] ? 0 : 1);
    return column.values.map((_, player) => player).sort((a, b) => rank(a) - rank(b)
      || Math.abs(column.values[b]) - Math.abs(column.values[a]) || a - b);
  }

  /** Points {x, y} of hiding, or showing, ever more of a ranking; only masks that were asked about. */
  function curveOf(item, data, target, values, { showing }) {
    const walk = walkOf(values), points = [];
    for (let size = 0; size <= walk.length; size += 1) {
      const first = walk.slice(0, size);
      const hidden = new Set(showing ? walk.slice(size) : first);
      const rows = measured(item, data, hidden);
      const mine = rows && rows.find((row) => row.index === target.index);
      if (mine) points.push({ x: first.reduce((sum, player) => sum + item.areas[player], 0), y: mine.p ?? mine.score });
    }
    return points;
  }

  function estimatedCurve(item, method, t) {
    const points = [], hidden = new Set();
    let x = 0;
    for (const player of [null, ...walkOf(method.columns[t].values)]) {
      if (player !== null) { hidden.add(player); x += item.areas[player]; }
      const row = estimated(item, method, hidden)[t];
      points.push({ x, y: row.p ?? row.score });
    }
    return points;
  }

  // ---- painting ----------------------------------------------------------------------------------

  /** Per region what to paint: {from: "soft"|"pixels"|"fill"|"pale", tint: [r, g, b], alpha}. */
  function attributionLook(view, method) {
    const column = method.columns[view.column], shown = new Set(view.drawn(method));
    const strongest = strongestOf(method);
    return column.values.map((value, player) => {
      if (view.hidden.has(player)) return { from: "fill", alpha: 0 };
      const size = strongest > 0 ? Math.min(1, Math.abs(value) / strongest) : 0;
      const tint = value > 0 ? FOR : AGAINST;
      if (view.mode === "plain") return { from: "pixels", alpha: 0 };
      if (view.mode === "rest") return { from: shown.has(player) ? "pixels" : "fill", alpha: 0 };
      if (view.mode === "heat") {
        const ramp = tint.map((channel) => 255 + (view.onSide(value) ? size : 0) * (channel - 255));
        return { from: "soft", tint: ramp, alpha: Math.min(1, view.opacity / TINT) };
      }
      return { from: "soft", tint, alpha: shown.has(player) ? view.opacity * size ** TINT_EXPONENT : 0 };
    });
  }

  const strongestOf = (method) => Math.max(0, ...method.columns.flatMap((column) => column.values.map(Math.abs)));

  /** Members as they are, everything else stepped back, and what an example hides hidden. */
  function membersLook(count, members, hidden, { plain = false, gone = "fill" } = {}) {
    const keep = new Set(members), away = new Set(hidden);
    return Array.from({ length: count }, (_, player) => ({
      from: away.has(player) ? gone : plain || keep.has(player) ? "pixels" : "pale", alpha: 0 }));
  }

  function compose(data, look) {
    const { width, height, labels } = data, image = new ImageData(width, height), out = image.data;
    for (let i = 0; i < labels.length; i += 1) {
      const player = labels[i], k = 4 * i, { from, tint, alpha } = player < 0 ? { from: "dim", alpha: 0 } : look[player];
      const source = from === "fill" ? data.fill : from === "pixels" ? data.pixels : data.soft;
      for (let c = 0; c < 3; c += 1) {
        let colour = source[k + c];
        if (alpha) colour += alpha * (tint[c] - colour);
        if (from === "dim") colour += DIM * (UNSEEN[c] - colour);
        if (from === "pale") colour += 0.82 * (GREY[c] - colour);
        out[k + c] = colour;
      }
      out[k + 3] = 255;
    }
    const canvas = make("canvas", { width, height });
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  function thumbnail(data, look) {
    const canvas = make("canvas", { width: 176, height: Math.round(176 * data.height / data.width), "aria-hidden": "true" });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(compose(data, look), 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  /** One picture on the page: what is painted changes seldom, what is marked on it often. */
  class Figure {
    constructor(view, { label, small = false, look, marks, live = true }) {
      Object.assign(this, { view, look, marks, small });
      const { width, height } = view.data;
      this.canvas = make("canvas", { sw: live ? "canvas" : null, role: "img", "aria-label": label });
      this.canvas.style.aspectRatio = `${width} / ${height}`;
      this.canvas.style.width = `min(100%, ${(72 * width / height).toFixed(1)}vh)`;  // never taller than what is in view
      this.node = make("div", { class: small ? "sw-figure sw-small" : "sw-figure" }, this.canvas);
      if (live) this.listen();
    }

    listen() {
      const { canvas, view } = this;
      canvas.addEventListener("pointermove", (event) => view.hover(this.playerAt(event), event));
      canvas.addEventListener("pointerleave", () => view.hover(null));
      canvas.addEventListener("blur", () => view.hover(null));
      canvas.addEventListener("click", (event) => {
        const player = this.playerAt(event);
        if (player === null) return;
        const seen = view.touched === player || event.pointerType !== "touch";
        view.touched = player;
        view.hover(player, event);
        if (seen) view.toggle(player);
      });
    }

    playerAt(event) {
      const box = this.canvas.getBoundingClientRect(), { width, height, labels } = this.view.data;
      const x = Math.floor((event.clientX - box.left) / box.width * width);
      const y = Math.floor((event.clientY - box.top) / box.height * height);
      if (x < 0 || y < 0 || x >= width || y >= height) return null;
      return labels[y * width + x] < 0 ? null : labels[y * width + x];
    }

    paint() {
      this.base = compose(this.view.data, this.look());
      this.mark();
    }

    mark() {
      const { canvas, view } = this, { data } = view;
      const wide = canvas.clientWidth || data.width, ratio = window.devicePixelRatio || 1;
      const zoom = wide * ratio / data.width;
      canvas.width = Math.round(wide * ratio);
      canvas.height = Math.round(data.height * zoom);
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.imageSmoothingEnabled = Math.max(data.width, data.height) >= TINY;
      context.drawImage(this.base, 0, 0, canvas.width, canvas.height);
      context.setTransform(zoom, 0, 0, zoom, 0, 0);
      const pen = (width) => width * ratio / zoom * (this.small ? 0.7 : 1);
      for (const mark of this.marks()) outline(context, data, mark, pen);
      for (const mark of this.marks()) if (mark.badge) badge(context, data, mark, pen);
    }
  }

  function outline(context, data, { player, colour, dashed = false, bold = false }, pen) {
    const path = data.borders[player];
    context.lineCap = "square";
    context.setLineDash([]);
    context.strokeStyle = "rgb(255 255 255 / 85%)";
    context.lineWidth = pen(bold ? 6 : 4.5);
    context.stroke(path);
    if (dashed) context.setLineDash([pen(4), pen(4)]);
    context.lineCap = dashed ? "butt" : "square";
    context.strokeStyle = colour;
    context.lineWidth = pen(bold ? 3 : 2);
    context.stroke(path);
    context.setLineDash([]);
  }

  /** A disc for what speaks for the class, a rounded square for what speaks against it. */
  function badge(context, data, { player, colour, badge: number }, pen) {
    const { x, y } = data.centres[player], corner = colour === hue(1) ? 10 : 3.5;
    for (const [radius, fill, round] of [[pen(12), "#ffffff", corner + 2], [pen(10), colour, corner]]) {
      context.beginPath();
      context.roundRect(x - radius, y - radius, 2 * radius, 2 * radius, pen(round));
      context.fillStyle = fill;
      context.fill();
    }
    context.fillStyle = "#ffffff";
    context.font = `700 ${pen(12)}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(number), x, y + pen(0.5));
  }

  const hue = (value) => (value > 0 ? "#0b7a75" : "#d1570a");

  // ---- controls ----------------------------------------------------------------------------------

  /** Tabs, or a choice of one, operated by arrow keys: [key, text] pairs, and who is told. */
  function tabs(label, choices, chosen, choose, props = {}) {
    const tabbed = props.role !== "radiogroup", kind = tabbed ? "tab" : "radio";
    const state = tabbed ? "aria-selected" : "aria-checked";
    const buttons = choices.map(([key, ...inside]) => make("button", { type: "button", role: kind, "data-key": key,
      [state]: String(key === chosen), tabindex: key === chosen ? "0" : "-1", on: { click: () => choose(key) } }, ...inside));
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const move = (event) => {
      const at = buttons.indexOf(document.activeElement), ends = { Home: 0, End: buttons.length - 1 };
      if (at < 0 || !(event.key in step || event.key in ends)) return;
      event.preventDefault();
      const next = event.key in ends ? ends[event.key] : (at + step[event.key] + buttons.length) % buttons.length;
      choose(choices[next][0], { focus: true });
    };
    return make("div", { role: "tablist", "aria-label": label, class: "sw-tabs", ...props, on: { keydown: move } }, ...buttons);
  }

  function slider(sw, label, { min, max, value, text, input }) {
    const output = make("output", { text: text(value) });
    const range = make("input", { type: "range", sw, min, max, value, "aria-label": label, on: { input: () => {
      output.textContent = text(Number(range.value));
      input(Number(range.value));
    } } });
    return make("label", { class: "sw-slider" }, make("span", { text: label }), range, output);
  }

  const button = (text, click, props = {}) => make("button", { type: "button", class: "sw-button", text, on: { click }, ...props });

  // ---- one picture and everything said about it ----------------------------------------------------

  class ItemView {
    constructor(page, item, data) {
      Object.assign(this, { page, item, data, id: `sw${serial += 1}`, method: 0, column: 0, mode: "overlay", side: "both",
        opacity: TINT, example: null, hidden: new Set(), hovered: null, sides: false, figures: [], asked: 0, answered: null, touched: null });
      this.top = this.usualTop();
      const leave = (event) => { if (!(event.target instanceof HTMLCanvasElement)) this.hover(null); };  // a finger leaves no other way
      this.node = make("article", { class: "sw-item", on: { keydown: (event) => this.key(event), pointerdown: leave } });
      this.build();
    }

    get current() { return this.item.methods[this.method]; }

    get valued() { return Boolean(this.current.columns); }

    /** The attribution whose numbers are told: the chosen one, or beside a rule the first there is. */
    get told() { return this.valued ? this.current : this.item.methods.find((method) => method.columns) || null; }

    usualTop() {
      const column = this.told && this.told.columns[this.column];
      const certain = column ? column.certain.reduce((sum, one) => sum + one, 0) : 0;
      return Math.min(this.item.count, Math.max(6, Math.min(20, certain)));
    }

    /** Certain regions of the chosen side, strongest first, as many as the slider says. */
    drawn(method = this.told) {
      const column = method.columns[this.column];
      return rankingOf(column).filter((player) => column.certain[player] && this.onSide(column.values[player])).slice(0, this.top);
    }

    onSide(value) {
      return value !== 0 && (this.side === "both" || (value > 0) === (this.side === "for"));
    }

    /** What is hidden in the picture as it is shown: what was clicked, and in "hide the rest" all but the drawn. */
    away() {
      if (this.example && !this.sides && !this.example.background) return new Set([...this.hidden, ...this.example.hidden]);
      if (this.mode !== "rest" || !this.valued || this.sides) return this.hidden;
      const keep = new Set(this.drawn());
      return new Set(Array.from({ length: this.item.count }, (_, player) => player)
        .filter((player) => !keep.has(player) || this.hidden.has(player)));
    }

    build() {
      const { item } = this;
      this.status = make("p", { sw: "status", class: "sw-unseen", "aria-live": "polite" });
      this.tip = make("div", { sw: "tip", class: "sw-tip", hidden: true });
      this.places = Object.fromEntries(["methods", "classes", "stage", "controls", "words", "whatif", "predictions", "bars",
        "curve", "table", "scores", "panel"].map((name) => [name, make("div", { class: `sw-${name}` })]));
      const p = this.places;
      const left = make("div", { class: "sw-left" }, p.stage, p.controls, p.words, p.curve);
      const right = make("div", { class: "sw-right" }, p.whatif, p.predictions, p.bars);
      const told = item.cautions.map((text) => make("p", { class: "sw-caution", text }));
      const story = item.story ? make("p", { class: "sw-story", text: item.story }) : null;
      this.node.append(this.heading(), make("div", { class: "sw-choose" }, p.methods, p.classes), ...(story ? [story] : []),
        make("div", { class: "sw-columns", role: "tabpanel", id: `${this.id}-panel`, "aria-label": "Explanation" }, left, right), p.scores, ...told, p.table, p.panel, this.status, this.tip);
      this.drawPanel();
      this.drawScores();
      this.draw();
    }

    heading() {
      const { item } = this;
      const truth = item.true ? [`truly ${item.true.label}`] : [];
      const facts = [...truth, item.model.spec, `${item.count} regions`, `fill: ${item.fill.name}`, `${counted(item.evaluations, "picture")} asked`];
      return make("header", { class: "sw-head" }, make("h1", {}, named(item.name)),
        make("p", { class: "sw-facts", text: facts.map(oneLine).join(" · ") }));
    }

    /** Everything that follows the choice of method, class and top regions. */
    draw() {
      this.hover(null);
      this.drawChoices();
      this.drawStage();
      this.drawControls();
      this.drawWords();
      this.drawBars();
      this.drawTable();
      this.drawAnswer();
    }

    drawChoices() {
      const { item } = this;
      const methods = item.methods.map((method, m) => [m, named(method.name)]);
      const chooseMethod = (m, options) => this.choose({ method: m }, options, ".sw-methods");
      const p = this.places;
      p.methods.replaceChildren(tabs("Methods", methods, this.method, chooseMethod));
      const classes = item.targets.map((target, t) => [t, named(target.label),
        make("span", { class: "sw-chance", text: target.probability === null ? "" : ` ${percent(target.probability)}` })]);
      const chooseClass = (t, options) => this.choose({ column: t }, options, ".sw-classes");
      p.classes.replaceChildren(this.valued ? tabs("Classes", classes, this.column, chooseClass) : make("span"));
      for (const tab of this.node.querySelectorAll("[role=tab]")) tab.setAttribute("aria-controls", `${this.id}-panel`);
      if (item.against && (this.valued || this.current.against)) p.classes.append(make("span", { class: "sw-rather" }, "rather than ", named(item.against.label)));
    }

    /** Change what is shown; the focus stays where it was, though that part is drawn anew. */
    choose(change, { focus = false } = {}, from = null) {
      const place = () => from && this.node.querySelector(from);
      const inside = this.node.contains(document.activeElement);
      const held = focus || Boolean(place() && place().contains(document.activeElement));
      Object.assign(this, change);
      if ("method" in change) this.example = null;
      if (this.sides && this.mode === "rest") this.mode = "overlay";  // each method would hide another rest
      // beside a rule or a change, what is told of a region is about the class it explains
      if (!this.valued) this.column = Math.max(0, this.item.targets.findIndex((each) => each.index === this.current.target.index));
      if ("method" in change || "column" in change) this.top = this.usualTop();
      this.draw();
      if (held && place()) (place().querySelector("[tabindex='0']") || place()).focus();
      else if (inside && !this.node.contains(document.activeElement)) {
        this.node.querySelector(`${"column" in change ? ".sw-classes" : ".sw-methods"} [tabindex='0']`).focus({ preventScroll: true });
      }
    }

    // ---- pictures

    drawStage() {
      const { item, places } = this;
      this.figures = [];
      const shown = this.sides ? item.methods.map((method, m) => this.framed(method, m)) : [this.stageOf(this.current)];
      places.stage.className = this.sides ? "sw-stage sw-many" : "sw-stage";
      places.stage.replaceChildren(...shown);
      this.figures[0].canvas.tabIndex = 0;
      this.figures[0].canvas.setAttribute("role", "application");
      this.figures.forEach((figure) => figure.paint());
    }

    framed(method, m) {
      const choose = button(oneLine(method.name), () => this.choose({ method: m }), { class: "sw-link", "aria-pressed": String(m === this.method) });
      const fidelity = method.columns && method.columns[this.column].fidelity;
      const cost = make("span", { class: "sw-quiet", text: [...(fidelity ? [`R² ${fidelity.r2.toFixed(2)}`] : []), counted(method.evaluations, "picture")].join(" · ") });
      return make("figure", { "data-method": oneLine(method.name) }, make("figcaption", { class: "sw-row" }, choose, cost), this.figureOf(method, { small: true }).node);
    }

    stageOf(method) {
      if (method.kind === "counterfactual") return this.changeStage(method);
      const figure = this.figureOf(method, {});
      return method.kind === "rule" ? make("div", {}, figure.node, this.exampleChoice(method)) : figure.node;
    }

    figureOf(method, { small = false }) {
      const label = `${oneLine(this.item.name)}: ${oneLine(method.name)}; arrow keys walk through regions, Enter hides one`;
      const look = method.columns ? () => attributionLook(this, method)
        : () => membersLook(this.item.count, membersOf(method), [...this.hidden, ...(small ? [] : this.exampleHides(method))],
          { plain: !small && method === this.current && this.example !== null, gone: goneIn(this.example) });
      const figure = new Figure(this, { label, small, look, marks: () => this.marksOf(method) });
      this.figures.push(figure);
      return figure;
    }

    marksOf(method) {
      const marks = [];
      if (method.columns && this.mode !== "plain") {
        const numbers = (this.sides && this.told ? this.told : method).numbers, { values } = method.columns[this.column];
        for (const player of this.sides ? this.drawn(method).slice(0, BADGES) : this.drawn(method)) {
          if (numbers[player]) marks.push({ player, colour: hue(values[player]), badge: numbers[player] });
        }
      } else if (!method.columns) {
        const rule = method.kind === "rule";
        membersOf(method).forEach((player, at) => marks.push({ player, colour: hue(rule ? 1 : -1), badge: rule && !this.sides ? at + 1 : null }));
      }
      for (const player of this.hidden) marks.push({ player, colour: "#1f2430", dashed: true });
      if (this.hovered !== null) marks.push({ player: this.hovered, colour: "#1f2430", bold: true });
      return marks;
    }

    /** An example is painted as it was shown to the model, where its background is the fill. */
    exampleHides(method) {
      return method === this.current && this.example ? this.example.hidden : [];
    }

    exampleChoice(method) {
      const said = (each) => `${oneLine(each.becomes.label)}${each.background ? `, before ${oneLine(each.background)}` : ""}`;
      const examples = [null, ...method.keeps, ...method.breaks], members = membersOf(method);
      const choices = examples.map((each, e) => [e, thumbnail(this.data, membersLook(this.item.count, members, each ? each.hidden : [], { plain: Boolean(each), gone: goneIn(each) })),
        make("span", { text: each === null ? "The rule" : `${e <= method.keeps.length ? "✓ kept" : "✗ broke"}: ${said(each)}` })]);
      const choose = (e, { focus = false } = {}) => {
        const held = focus || this.places.stage.contains(document.activeElement);
        this.example = examples[e];
        this.drawStage();
        this.drawAnswer();
        if (held) this.places.stage.querySelector("[role=radio][tabindex='0']").focus();
      };
      const chosen = Math.max(0, examples.indexOf(this.example));
      return tabs("Examples", choices, chosen, choose, { role: "radiogroup", class: "sw-tabs sw-examples" });
    }

    changeStage(method) {
      const { item } = this, hides = method.hide;
      const looks = [["before", membersLook(item.count, [], [], { plain: true }), []], ["what is hidden", membersLook(item.count, hides, []), hides],
        ["after", membersLook(item.count, [], hides, { plain: true }), []]];
      const pictures = looks.map(([text, look, outlined], at) => {
        const away = () => (at === 1 ? look : look.map((one, player) => (this.hidden.has(player) ? { from: "fill", alpha: 0 } : one)));
        const marks = () => [...outlined.map((player) => ({ player, colour: hue(-1) })), ...this.marksOf({ columns: null, kind: "", hide: [] })];
        const figure = new Figure(this, { label: `${text}: ${oneLine(item.name)}`, small: true, look: away, marks });
        this.figures.push(figure);
        return make("figure", {}, make("figcaption", { text }), figure.node);
      });
      const rows = method.probabilities.map((row) => make("li", {}, named(row.label, { class: "sw-name" }),
        bar(row.before, "sw-was"), make("span", { class: "sw-number", text: percent(row.before) }),
        bar(row.after, "sw-is"), make("span", { class: "sw-number", text: percent(row.after) })));
      const bars = rows.length ? make("ul", { class: "sw-change" }, make("li", { class: "sw-key" }, make("span"), make("span", { text: "before" }),
        make("span"), make("span", { text: "after" }), make("span")), ...rows) : null;
      return make("div", {}, make("div", { class: "sw-many" }, ...pictures), ...(bars ? [bars] : []));
    }

    // ---- controls

    drawControls() {
      const { item } = this, parts = [];
      const radio = (label, choices, value, key, sw) => tabs(label, choices, value,
        (chosen, options) => this.choose({ [key]: chosen }, options, `[data-sw=${sw}]`), { role: "radiogroup", "data-sw": sw });
      if (this.valued || this.sides) {
        parts.push(radio("What is drawn", MODES.filter(([key]) => key !== "rest" || !this.sides), this.mode, "mode", "mode"), radio("Which regions", SIDES, this.side, "side", "sides"));
        parts.push(slider("top-n", "Strongest regions", { min: 1, max: item.count, value: this.top, text: (n) => `top ${n}`,
          input: (n) => { this.top = n; this.repaint(); this.drawBars(); this.drawAnswer(); } }));
        parts.push(slider("opacity", "Opacity", { min: 0, max: 100, value: Math.round(100 * this.opacity), text: (n) => `${n} %`,
          input: (n) => { this.opacity = n / 100; this.repaint(); } }));
      }
      if (item.methods.length > 1) {
        parts.push(button("Side by side", () => this.choose({ sides: !this.sides }, {}, "[data-sw=side-by-side]"), { sw: "side-by-side", "aria-pressed": String(this.sides) }));
      }
      this.places.controls.replaceChildren(...parts);
    }

    drawWords() {
      const sentences = this.valued ? [this.current.columns[this.column].sentence] : this.current.sentences;
      const told = sentences.map((text) => make("p", { text }));
      if (!this.valued) told.push(make("p", { class: "sw-quiet", text: factsOf(this.current) }));
      this.places.words.replaceChildren(...told);
    }

    repaint() { this.figures.forEach((figure) => figure.paint()); }

    /** Fit what is drawn to the room there is. */
    settle() {
      this.remark();
      if (this.answered) this.drawCurve(...this.answered);
    }

    remark() { this.figures.forEach((figure) => figure.mark()); }

    // ---- one region

    hover(player, event = null) {
      if (player !== this.hovered) {
        this.hovered = player;
        this.remark();
        for (const row of this.node.querySelectorAll("[data-region]")) row.classList.toggle("sw-on", Number(row.dataset.region) === player);
        if (player === null) this.tip.hidden = true; else this.fillTip(player);
      }
      if (player !== null && event) this.placeTip(event);
    }

    fillTip(player) {
      const lines = this.linesOf(player), column = this.told && this.told.columns[this.column];
      this.tip.replaceChildren(...lines.map((text, at) => make("p", { class: at ? "" : "sw-strong", text })));
      this.tip.dataset.player = player;
      this.tip.dataset.value = column ? column.values[player] : "";
      this.tip.dataset.error = column && column.error ? column.error[player] : "";
      this.tip.hidden = false;
      this.status.textContent = lines.join(". ");
    }

    placeTip({ clientX: x, clientY: y, before = null }) {
      const box = this.tip.getBoundingClientRect(), left = before === null ? x + 14 : before - box.width - 8;
      this.tip.style.left = `${Math.max(4, Math.min(left > 0 ? left : x + 14, window.innerWidth - box.width - 8))}px`;
      this.tip.style.top = `${y + 18 + box.height > window.innerHeight ? Math.max(4, y - box.height - 12) : y + 18}px`;
    }

    /** What there is to say about a region, most important first. */
    linesOf(player) {
      const { item, told } = this, lines = [];
      const number = told && told.numbers[player];
      lines.push(`${number ? `Region ${number}` : "Region"} · ${item.places[player]}${this.hidden.has(player) ? " · hidden" : ""}`);
      if (!told) return [...lines, `covers ${percent(item.areas[player])} of what the model sees`];
      const column = told.columns[this.column], value = column.values[player], error = column.error ? column.error[player] : null;
      const unit = told.reading === "weight" ? "" : ` ${item.unit === "raw" ? "" : item.unit}`;
      lines.push(`${written(value)}${error === null ? "" : ` ± ${signs((Z * error).toPrecision(2))} (95 %)`}${unit}`);
      lines.push(column.certain[player] ? this.sentenceOf(player) : "not distinguishable from zero");
      const sum = column.values.reduce((all, one) => all + Math.abs(one), 0);
      lines.push(`rank ${rankingOf(column).indexOf(player) + 1} of ${item.count} · ${percent(sum ? Math.abs(value) / sum : 0)} of all effects · ${percent(item.areas[player])} of the area`);
      const others = item.targets.map((target, t) => [t, target]).filter(([t]) => t !== this.column).slice(0, 4);
      if (others.length) lines.push(others.map(([t, target]) => `${oneLine(target.label).slice(0, 40)} ${written(told.columns[t].values[player])}`).join(" · "));
      return lines;
    }

    sentenceOf(player) {
      const { item, told } = this, column = told.columns[this.column], value = column.values[player];
      const label = oneLine(item.targets[this.column].label).slice(0, 60);
      if (told.reading === "weight") return `weighs for ${label}`;
      const lowers = (value > 0) === (told.reading === "hiding");
      const what = { "log-odds": "the odds", raw: "the score" }[item.unit] || "the probability";
      const reach = column.error ? Z * column.error[player] : 0;
      const between = reach ? ` (${bare(Math.max(0, Math.abs(value) - reach), item.unit)}–${bare(Math.abs(value) + reach, item.unit)})` : "";
      const acting = { hiding: "hiding it ", showing: "showing it " }[told.reading] || "";
      const against = item.against ? ` against ${oneLine(item.against.label).slice(0, 60)}` : "";
      return `${acting}${lowers ? "lowers" : "raises"} ${what} of ${label}${against} ${amount(value, item.unit)}${between}`;
    }

    toggle(player) {
      if (!this.hidden.delete(player)) this.hidden.add(player);
      if (this.hovered === player) this.fillTip(player);
      this.changed();
    }

    reset() {
      const held = [this.places.whatif, this.places.stage].some((place) => place.contains(document.activeElement));
      this.hidden.clear();
      if (this.example) { this.example = null; this.drawStage(); }
      this.changed();
      if (held) this.figures[0].canvas.focus();
    }

    changed() {
      this.repaint();
      for (const row of this.node.querySelectorAll("[data-region]")) row.setAttribute("aria-pressed", String(this.hidden.has(Number(row.dataset.region))));
      this.drawAnswer();
    }

    key(event) {
      const onPicture = event.target instanceof HTMLCanvasElement;
      if (event.key === "Escape") { this.hover(null); this.reset(); return; }
      if (event.key === "?" && !(event.target instanceof HTMLInputElement)) { this.page.help(); return; }
      if (!onPicture) return;
      const order = this.told ? rankingOf(this.told.columns[this.column]) : Array.from({ length: this.item.count }, (_, player) => player);
      const at = order.indexOf(this.hovered), step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) {
        const next = order[at < 0 ? (step > 0 ? 0 : order.length - 1) : (at + step + order.length) % order.length];
        const box = event.target.getBoundingClientRect(), { x, y } = this.data.centres[next], { width, height } = this.data;
        this.hover(next, { clientX: box.left + x / width * box.width, clientY: box.top + y / height * box.height });
      } else if ((event.key === "Enter" || event.key === " ") && this.hovered !== null) {
        this.toggle(this.hovered);
      } else {
        return;
      }
      event.preventDefault();
    }

    // ---- what the model says

    async drawAnswer() {
      const { item, data, page } = this, hidden = this.away(), turn = this.asked += 1;
      let rows = measured(item, data, hidden), kind = "measured", note = hidden.size ? "asked before: what the model said"
        : this.example && this.example.background && !this.sides ? `the whole picture; the example stood before ${oneLine(this.example.background)}` : "the whole picture";
      if (!rows && page.host.whatIf) {
        this.drawPredictions(null, "live", "asking the model …");
        try {
          const answer = await page.host.whatIf(item, [...hidden].sort((a, b) => a - b));
          if (turn !== this.asked) return;
          rows = answer.probabilities.map(([index, label, p, score]) => ({ index, label, p, score }));
          [kind, note] = ["live", "the model, asked just now"];
        } catch (error) {
          if (turn !== this.asked || error.name === "AbortError") return;
          [rows, kind, note] = [null, "none", `the model could not be asked: ${error.message}`];
        }
      }
      if (!rows && kind !== "none" && this.told && addsUp(this.told)) {
        rows = estimated(item, this.told, hidden);
        const fidelity = this.told.columns[this.column].fidelity;
        [kind, note] = ["estimate", `estimate: effects added up, not asked${fidelity ? ` (R² ${fidelity.r2.toFixed(2)})` : ""}`];
      }
      if (!rows && kind !== "none") {
        [kind, note] = ["none", "this set of regions was not asked about, and these values do not add up"];
      }
      this.drawPredictions(rows, kind, note);
      this.drawCurve(rows, hidden);
      this.answered = [rows, hidden];
      this.tell(rows, hidden, note);
    }

    /** What the model says, to those who do not see it change. */
    tell(rows, hidden, note) {
      if (!hidden.size) return;
      const first = rows && rows[0];
      const said = first ? [`${oneLine(first.label)} ${first.p === null ? written(first.score) : percent(first.p)}`] : [];
      this.status.textContent = [`${counted(hidden.size, "region")} hidden`, ...said, note].join(". ");
    }

    drawPredictions(rows, kind, note) {
      const { item, places } = this, count = this.away().size;
      const target = item.targets[this.valued ? this.column : 0], mine = rows && rows.find((row) => row.index === target.index);
      const heading = make("h2", { text: count ? `With ${counted(count, "region")} hidden` : "What the model says" });
      const reset = this.hidden.size ? button("Show all", () => this.reset(), { sw: "reset" }) : null;
      const said = make("p", { class: "sw-quiet", text: note });
      const head = make("div", { sw: "whatif", "data-kind": kind, "data-probability": mine ? mine.p ?? mine.score : null },
        make("div", { class: "sw-row" }, heading, reset), said);
      places.whatif.replaceChildren(head);
      if (kind === "estimate" && item.against && mine) {
        head.append(make("p", {}, named(target.label), ` ${factor(mine.score)} times ${mine.score > 0 ? "likelier" : "less likely"} than `, named(item.against.label)));
      }
      const explained = new Map(item.targets.map((each, t) => [each.index, t]));
      const before = new Map([...item.predictions, ...item.targets].map((each) => [each.index, each.probability]));
      const list = (rows || []).filter((row, at) => at < 5 || explained.has(row.index)).map((row) => this.predictionRow(row, before, explained, count));
      places.predictions.replaceChildren(make("ul", { sw: "predictions", class: kind === "estimate" ? "sw-estimated" : "" }, ...list));
    }

    predictionRow(row, before, explained, changed) {
      const t = explained.get(row.index), name = named(row.label, { class: t === undefined ? "sw-name" : "sw-name sw-strong" });
      const pick = t === undefined || !this.valued ? name
        : make("button", { type: "button", class: "sw-link", on: { click: () => this.choose({ column: t }) } }, name);
      if (row.p === null) return make("li", {}, pick, make("span"), make("span", { class: "sw-number", text: written(row.score) }));
      const was = changed && before.has(row.index) ? bar(before.get(row.index), "sw-was") : null;
      return make("li", { "data-index": row.index }, pick, make("span", { class: "sw-track" }, was, bar(row.p, "sw-is")),
        make("span", { class: "sw-number", text: percent(row.p) }));
    }

    // ---- bars, linked to the picture

    drawBars() {
      const { item, places, told } = this;
      if (this.current.kind === "rule") { places.bars.replaceChildren(...this.ruleBars(this.current)); return; }
      if (!told) { places.bars.replaceChildren(); return; }
      const column = told.columns[this.column], sure = (player) => column.certain[player];
      const shown = rankingOf(column).filter((player) => this.onSide(column.values[player])).slice(0, this.top);
      const reach = (each, player) => Math.abs(each.values[player]) + (each.error ? Z * each.error[player] : 0);
      const most = Math.max(1e-12, ...told.columns.flatMap((each) => each.values.map((_, player) => reach(each, player))));
      const rows = shown.map((player) => {
        const value = column.values[player], number = told.numbers[player];
        const tag = make("span", { class: `sw-badge ${sure(player) && number ? (value > 0 ? "sw-for" : "sw-against") : ""}`, text: sure(player) && number ? number : "" });
        return make("button", { type: "button", class: "sw-bar", "data-region": player, "aria-pressed": String(this.hidden.has(player)),
          "aria-label": this.linesOf(player).slice(0, 3).join(", "),
          on: { pointerenter: (event) => this.hover(player, beside(event)), pointerleave: () => this.hover(null), focus: (event) => this.hover(player, beside(event)),
            blur: () => this.hover(null), click: () => this.toggle(player) } },
        tag, make("span", { class: "sw-place", text: item.places[player] }), barChart(value, column.error ? column.error[player] : null, most, sure(player)),
        make("span", { class: "sw-number", text: told.reading === "weight" ? written(value) : signed(value, item.unit) }));
      });
      const what = told.reading === "weight" ? "weights" : { hiding: "effect of hiding a region", showing: "effect of showing a region", share: "share of a region" }[told.reading];
      const unit = told.reading === "weight" || item.unit === "raw" ? "" : onOdds(item.unit) ? `, as a factor of ${item.unit === "log-odds" ? "the odds" : "the probability"}` : ", in points";
      const heading = make("div", { class: "sw-row" }, make("h2", {}, named(item.targets[this.column].label)), make("span", { class: "sw-quiet", text: this.valued ? "" : oneLine(told.name) }));
      const legend = make("p", { class: "sw-legend sw-quiet" }, make("span", { class: "sw-swatch sw-against" }), item.against ? named(item.against.label) : "against",
        make("span", { class: "sw-swatch sw-for" }), "for", make("span", { class: "sw-swatch" }), "not certain");
      const none = rows.length ? null : make("p", { class: "sw-quiet", text: "no region has an effect on this side" });
      places.bars.replaceChildren(heading, make("p", { class: "sw-quiet", text: `${what}${unit}${column.error ? ", with 95 % intervals" : ""}` }), legend,
        make("div", { sw: "bars", role: "group", "aria-label": "Regions, strongest first" }, ...rows, none));
    }

    /** How surely a rule holds, and how surely without each of its regions. */
    ruleBars(rule) {
      const known = rule.superpixels.map((player, at) => [player, at, rule.without[at]]).filter(([, , without]) => typeof without === "number");
      const rows = known.map(([player, at, without]) => {
        const tag = make("span", { class: "sw-badge sw-for", text: at + 1 });
        return make("button", { type: "button", class: "sw-bar sw-member", "data-region": player, "aria-pressed": String(this.hidden.has(player)),
          on: { pointerenter: (event) => this.hover(player, beside(event)), pointerleave: () => this.hover(null), focus: (event) => this.hover(player, beside(event)),
            blur: () => this.hover(null), click: () => this.toggle(player) } },
        tag, make("span", { class: "sw-place", text: this.item.places[player] }), make("span", { class: "sw-track" }, bar(without, "sw-is")),
        make("span", { class: "sw-number", text: percent(without) }));
      });
      const others = rule.superpixels.length - rows.length;
      const list = rows.length ? [make("p", { class: "sw-quiet", text: `how often it holds without one of its regions${others ? `; without each of the other ${others} it was not measured` : ""}` }),
        make("div", { sw: "bars", role: "group", "aria-label": "Regions of the rule" }, ...rows)] : [];
      return [make("h2", { text: "How surely" }), precisionStrip(rule), ...list];
    }

    // ---- curves

    drawCurve(rows, hidden) {
      const { item, data, places, told } = this;
      if (!told || !(this.valued || this.sides)) { places.curve.replaceChildren(); return; }
      const target = item.targets[this.column], { values } = told.columns[this.column];
      const away = curveOf(item, data, target, values, { showing: false }), shown = curveOf(item, data, target, values, { showing: true });
      const asked = away.length > 2, guess = asked || !addsUp(told) || item.against ? [] : estimatedCurve(item, told, this.column);
      if (!asked && !guess.length) { places.curve.replaceChildren(); return; }
      const mine = rows && rows.find((row) => row.index === target.index);
      const gone = [...hidden].reduce((sum, player) => sum + item.areas[player], 0);
      const here = mine && (mine.p !== null || target.probability === null)
        ? { x: this.mode === "rest" && this.valued ? 1 - gone : gone, y: mine.p ?? mine.score } : null;
      const lines = asked ? [["hide the strongest first", away, "sw-deletion"], ["show the strongest first", shown, "sw-insertion"]]
        : [["estimate: effects added up, not asked", guess, "sw-guess"]];
      const chart = curveChart(lines, here, target.probability !== null, Math.max(280, Math.min(620, places.curve.clientWidth || 520)));
      const key = lines.map(([text, , kind]) => make("span", { class: `sw-linekey ${kind}`, text }));
      places.curve.replaceChildren(make("div", { sw: "curve" }, make("h2", {}, "What becomes of ", named(target.label)), chart, make("p", { class: "sw-quiet sw-keys" }, ...key)));
    }

    // ---- tables and settings

    drawTable() {
      const { item, places, told } = this;
      if (!told) { places.table.replaceChildren(); return; }
      const column = told.columns[this.column], open = this.tableShown === true;
      const heads = ["rank", "region", "badge", "place", "area", "value", "± (95 %)", "certain"];
      const rows = rankingOf(column).map((player, rank) => {
        const cells = [rank + 1, player, told.numbers[player] || "", item.places[player], percent(item.areas[player]), signs(String(column.values[player])),
          column.error ? signs((Z * column.error[player]).toPrecision(3)) : "exact", column.certain[player] ? "yes" : "no"];
        return make("tr", { "data-region": player, on: { pointerenter: (event) => this.hover(player, event), pointerleave: () => this.hover(null) } },
          ...cells.map((cell) => make("td", { text: cell })));
      });
      const caption = `${oneLine(told.name)}: effects on ${oneLine(item.targets[this.column].label)}, ${item.unit}`;
      const table = make("table", {}, make("caption", { text: caption }), make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", text })))), make("tbody", {}, ...rows));
      const body = make("div", { sw: "table", class: open ? "sw-scroll" : "sw-unseen" }, table);
      const flip = button(open ? "Hide the table" : "Show as a table", () => { this.tableShown = !open; this.drawTable(); this.places.table.querySelector("button").focus(); }, { "aria-expanded": String(open) });
      places.table.replaceChildren(flip, body);
    }

    drawScores() {
      const board = this.item.comparison;
      if (!board) return;
      const row = (each, reference) => {
        const m = this.item.methods.findIndex((method) => method.name === each.name);
        const name = m < 0 ? named(each.name) : button(oneLine(each.name), () => this.choose({ method: m }), { class: "sw-link" });
        const cells = board.columns.map(({ key }) => {
          const best = each.best && each.best.includes(key);
          const between = each.intervals && each.intervals[key] ? make("small", { text: each.intervals[key] }) : null;
          return make("td", { class: best ? "sw-best" : "" }, make("span", { text: `${best ? "● " : ""}${(each.texts || {})[key] || "–"}` }), between);
        });
        return make("tr", { class: reference ? "sw-reference" : "" }, make("th", { scope: "row" }, name), ...cells);
      };
      const heads = board.columns.map((column) => make("th", { scope: "col", title: column.meaning },
        column.label, make("small", { text: { higher: "↑", lower: "↓" }[column.better] || "" })));
      const body = [...board.rows.map((each) => row(each, false)), ...(board.references || []).map((each) => row(each, true))];
      const told = (board.recommendation || []).map((text) => make("p", { text }));
      this.places.scores.replaceChildren(make("h2", { text: "The methods, judged alike" }), ...told, make("div", { class: "sw-scroll", tabindex: "0", role: "region", "aria-label": "Scoreboard" },
        make("table", { class: "sw-board" }, make("thead", {}, make("tr", {}, make("th", { scope: "col", text: "method" }), ...heads)), make("tbody", {}, ...body))),
      make("p", { class: "sw-quiet", text: `● best, or not separable from it · ↑ higher is better, ↓ lower is better · protocol ${oneLine(board.protocol)}` }));
    }

    drawPanel() {
      const { item } = this, facts = [["model", item.model.spec], ["framework", item.model.framework], ["input", item.model.input.join(" × ")],
        ["classes", item.model.classes], ["model fingerprint", item.model.fingerprint], ["preprocessing", item.model.preprocessing],
        ["segments", `${item.segmentation.method} ${JSON.stringify(item.segmentation.settings)}`], ["fill", item.fill], ["score", item.score], ["seed", item.seed],
        ["pictures asked", item.evaluations], ["seconds", `${item.seconds.toFixed(1)}, of which the model ${item.model_seconds.toFixed(1)}`], ["fingerprint", item.fingerprint]];
      for (const method of item.methods) {
        const fits = (method.columns || []).filter((column) => column.fidelity).map((column) => `R² ${column.fidelity.r2.toFixed(2)} (${column.fidelity.low.toFixed(2)}–${column.fidelity.high.toFixed(2)}, ${column.fidelity.kind})`);
        const settled = method.columns ? (method.columns.every((column) => column.converged) ? "settled" : "not settled") : method.status;
        facts.push([method.name, [counted(method.evaluations, "picture"), `${method.seconds.toFixed(1)} s`, settled, ...fits, JSON.stringify(method.settings)].join(" · ")]);
      }
      const list = facts.flatMap(([name, value]) => [make("dt", { text: oneLine(name) }), make("dd", { text: typeof value === "object" ? JSON.stringify(value) : value })]);
      this.places.panel.replaceChildren(make("details", { sw: "panel" }, make("summary", { text: "Settings, cost and how sure" }), make("dl", {}, ...list)));
    }
  }

  /** What stands where an example hides: the fill, or, of another picture, which is not on this page, nothing. */
  const goneIn = (example) => (example && example.background ? "pale" : "fill");

  const membersOf = (method) => method.superpixels || method.hide || [];

  /** Where to tell of a bar without covering the bars: to their left, where there is room. */
  const beside = (event) => {
    const box = event.target.getBoundingClientRect();
    return { clientX: box.left, clientY: box.top, before: box.left };
  };

  function factsOf(method) {
    if (method.kind !== "rule") return `${percent(method.area)} of what the model sees is hidden`;
    const sure = method.exact ? "exactly" : `at least ${percent(method.precision_lower_bound)} with ${percent(method.confidence)} confidence`;
    return [`status: ${method.status.replaceAll("_", " ")}`, `precision ${percent(method.precision)} (${sure})`, `area ${percent(method.area)}`,
      `coverage ${method.coverage < 0.001 ? method.coverage.toExponential(1) : percent(method.coverage)}`].join(" · ");
  }

  function bar(share, kind) {
    const fill = make("span", { class: `sw-fill ${kind}` });
    fill.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
    return fill;
  }

  /** One bar about zero with its interval; all bars of a chart share `most`. */
  function barChart(value, error, most, sure) {
    const at = (x) => 100 + 98 * x / most, kind = sure ? (value > 0 ? "sw-for" : "sw-against") : "sw-unsure";
    const parts = [draw("line", { x1: 100, x2: 100, y1: 0, y2: 16, class: "sw-zero" }),
      draw("rect", { x: Math.min(100, at(value)), y: 4, width: Math.abs(at(value) - 100), height: 8, class: kind })];
    if (error) {
      const [low, high] = [at(value - Z * error), at(value + Z * error)];
      parts.push(draw("path", { d: `M${low} 8H${high}M${low} 5V11M${high} 5V11`, class: "sw-interval" }));
    }
    return draw("svg", { viewBox: "0 0 200 16", preserveAspectRatio: "none", class: "sw-chart", "aria-hidden": "true" }, ...parts);
  }

  const TOPS = [0.01, 0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 0.8, 1];

  /** From half to all: what a rule had to reach, the bound, and what the certificate saw. */
  function precisionStrip(rule) {
    const px = (share) => 14 + 332 * Math.max(0, (share - 0.5) / 0.5), asked = rule.settings.precision;
    const parts = [draw("line", { x1: px(0.5), x2: px(1), y1: 22, y2: 22, class: "sw-grid" }),
      draw("line", { x1: px(asked), x2: px(asked), y1: 10, y2: 34, class: "sw-asked" }), label(px(asked), 48, `asked ${percent(asked)}`, "end"),
      draw("line", { x1: px(rule.precision_lower_bound), x2: px(rule.precision), y1: 22, y2: 22, class: "sw-bound" }),
      draw("circle", { cx: px(rule.precision), cy: 22, r: 5, class: "sw-precision" }), label(px(0.5), 48, "50 %", "start")];
    const told = `precision ${percent(rule.precision)}, at least ${percent(rule.precision_lower_bound)}, asked ${percent(asked)}`;
    return draw("svg", { viewBox: "0 0 360 52", class: "sw-plot sw-strip", role: "img", "aria-label": told }, ...parts);
  }

  function curveChart(lines, here, isShare, width) {
    const [height, left, right, top, bottom] = [190, 46, 20, 8, 34];
    const ys = lines.flatMap(([, points]) => points.map((point) => point.y)).concat(here ? [here.y] : []);
    const low = isShare ? 0 : Math.min(...ys), high = isShare ? TOPS.find((most) => most >= Math.max(...ys)) || 1 : Math.max(...ys);
    const px = (x) => left + (width - left - right) * x, py = (y) => height - bottom - (height - top - bottom) * (y - low) / (high - low || 1);
    const parts = [0, 0.5, 1].flatMap((share) => {
      const y = low + share * (high - low);
      return [draw("line", { x1: left, x2: width - right, y1: py(y), y2: py(y), class: "sw-grid" }),
        label(left - 6, py(y) + 4, isShare ? `${(100 * y).toFixed(high < 0.02 ? 1 : 0)} %` : plainNumber(y), "end"),
        label(px(share), height - 16, `${100 * share} %`, "middle")];
    });
    parts.push(label(px(0.5), height - 2, lines.length > 1 ? "of the area ● hidden, ○ shown" : "of the area hidden", "middle"));
    for (const [, points, kind] of lines) {
      parts.push(draw("polyline", { points: points.map((point) => `${px(point.x)},${py(point.y)}`).join(" "), class: `sw-line ${kind}` }));
      if (kind !== "sw-guess") parts.push(...points.map((point) => draw("circle", { cx: px(point.x), cy: py(point.y), r: 2.6, class: `sw-dot ${kind}` })));
    }
    if (here) parts.push(draw("circle", { cx: px(here.x), cy: py(here.y), r: 6, class: "sw-here" }));
    return draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "sw-plot", role: "img", "aria-label": "Curve of hiding and of showing the strongest regions" }, ...parts);
  }

  function label(x, y, text, anchor) {
    const node = draw("text", { x, y, "text-anchor": anchor });
    node.textContent = text;
    return node;
  }

  // ---- the page: one picture, or a gallery of many --------------------------------------------------

  class Page {
    constructor(root, view, host) {
      Object.assign(this, { root, view, host, opened: -1, current: null, ready: new Map(), sought: "" });
      root.classList.add("sw");
      root.classList.toggle("sw-compact", Boolean(host.compact));
      if (host.theme) root.dataset.theme = host.theme;
      this.body = make("div", { class: "sw-body" });
      root.replaceChildren(this.toolbar(), this.body);
      this.resized = () => { if (this.current) this.current.settle(); };
      window.addEventListener("resize", this.resized);
      this.pressed = (event) => { if (event.key === "?" && event.target === document.body) this.help(); };
      document.addEventListener("keydown", this.pressed);
      if (view.items.length === 1) this.open(0); else this.gallery();
    }

    toolbar() {
      const many = this.view.items.length > 1;
      this.back = button("← All pictures", () => this.gallery(), { hidden: true });
      const theme = button("Light / dark", () => this.flip(), { sw: "theme" });
      return make("nav", { class: "sw-toolbar", "aria-label": "Page" }, many ? this.back : null, make("span", { class: "sw-brand", text: "Seewhy" }),
        make("span", { class: "sw-spring" }), button("Keys", () => this.help()), this.host.theme ? null : theme);
    }

    flip() {
      const dark = this.root.dataset.theme ? this.root.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
      this.root.dataset.theme = dark ? "light" : "dark";
    }

    help() {
      if (!this.keys) {
        const keys = [["Tab", "from control to control"], ["← → ↑ ↓", "on the picture: to the next region, strongest first; on tabs: to the next tab"],
          ["Enter, Space", "hide the region, or show it again"], ["Esc", "show everything again"], ["?", "these keys"]];
        const list = keys.flatMap(([key, text]) => [make("dt", { text: key }), make("dd", { text })]);
        this.keys = make("dialog", { class: "sw-keys-dialog", "aria-label": "Keys" }, make("dl", {}, ...list), button("Close", () => this.keys.close()));
        this.root.append(this.keys);
      }
      this.keys.showModal();
    }

    // ---- gallery

    gallery() {
      this.opened = -1;
      this.current = null;
      this.back.hidden = true;
      const cards = this.view.items.map((item, at) => this.card(item, at));
      const found = make("p", { class: "sw-quiet", "aria-live": "polite", text: counted(cards.length, "picture") });
      const search = make("input", { type: "search", class: "sw-search", placeholder: "Find a picture or a class", "aria-label": "Find a picture or a class",
        value: this.sought, on: { input: () => sift() } });
      const sift = () => { this.sought = search.value; found.textContent = counted(filterCards(cards, search.value), "picture"); };
      sift();
      const grid = make("div", { sw: "gallery", class: "sw-gallery", on: { keydown: (event) => walkCards(event, cards) } }, ...cards);
      this.body.replaceChildren(make("header", { class: "sw-head" }, make("h1", {}, named(this.view.title)), make("div", { class: "sw-row" }, search, found)), grid);
      this.root.dataset.swReady = "1";
      if (this.left !== undefined) cards[this.left].focus();
    }

    card(item, at) {
      const first = item.predictions[0];
      const picture = make("img", { src: item.thumb || item.picture.src, alt: "", loading: "lazy", decoding: "async" });
      const said = make("p", {}, named(first.label, { class: "sw-strong" }), first.probability === null ? "" : ` ${percent(first.probability)}`);
      const truth = item.true ? make("p", { class: "sw-quiet" }, "truly ", named(item.true.label)) : null;
      return make("button", { type: "button", class: "sw-card", "data-text": `${item.name} ${first.label} ${item.true ? item.true.label : ""}`.toLowerCase(),
        on: { click: () => this.open(at) } }, picture, said, truth, make("p", { class: "sw-quiet" }, named(item.name)));
    }

    async whole(at) {
      const light = this.view.items[at];
      if (light.methods) return light;
      const items = await (this.host.loadShard || loadShard)(light.shard);
      return items[light.at];
    }

    async open(at) {
      this.opened = at;
      this.left = at;
      this.current = null;
      this.back.hidden = false;
      const held = this.root.contains(document.activeElement);
      delete this.root.dataset.swReady;
      this.body.replaceChildren(make("p", { class: "sw-quiet", role: "status", text: "Opening …" }));
      try {
        const item = await this.whole(at);
        const data = this.ready.get(at) || await decode(item);
        this.ready.delete(at);
        this.ready.set(at, data);
        if (this.ready.size > DECODED) this.ready.delete(this.ready.keys().next().value);
        if (this.opened !== at) return;
        this.current = new ItemView(this, item, data);
        this.body.replaceChildren(this.current.node);
        this.current.settle();
      } catch (error) {
        if (this.opened === at) this.body.replaceChildren(make("p", { role: "alert", class: "sw-caution", text: `This picture cannot be shown: ${error.message}` }));
      }
      if (held && this.back.isConnected) this.back.focus();
      this.root.dataset.swReady = "1";
    }

    state() {
      const { current } = this;
      return { opened: this.opened, ...(current ? { method: current.method, column: current.column, mode: current.mode, side: current.side, top: current.top,
        opacity: current.opacity, hidden: [...current.hidden].sort((a, b) => a - b), hovered: current.hovered } : {}) };
    }

    destroy() {
      window.removeEventListener("resize", this.resized);
      document.removeEventListener("keydown", this.pressed);
      this.current = null;
      this.root.replaceChildren();
    }
  }

  function filterCards(cards, text) {
    const words = text.toLowerCase().split(/\s+/u).filter(Boolean);
    for (const card of cards) card.hidden = !words.every((word) => card.dataset.text.includes(word));
    return cards.filter((card) => !card.hidden).length;
  }

  function walkCards(event, cards) {
    const shown = cards.filter((card) => !card.hidden), at = shown.indexOf(document.activeElement);
    if (at < 0) return;
    const across = shown.filter((card) => card.offsetTop === shown[0].offsetTop).length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    if (!step || !shown[at + step]) return;
    event.preventDefault();
    shown[at + step].focus();
  }

  /** Pages with many pictures keep them in scripts beside them, as a file may fetch nothing else. */
  function loadShard(k) {
    if (!shards.has(k)) {
      const name = `data-${String(k).padStart(4, "0")}.js`;
      const loaded = new Promise((done, failed) => {
        waiting.set(k, done);
        // after a script that handed its items over, this comes too late to matter
        const stop = (what) => () => failed(new Error(`${name} must lie beside this page; it is ${what}`));
        document.head.append(make("script", { src: name, on: { error: stop("missing"), load: stop("damaged") } }));
      });
      loaded.catch(() => shards.delete(k));
      shards.set(k, loaded);
    }
    return shards.get(k);
  }

  return {
    mount(root, view, host = {}) {
      const page = new Page(root, view, host);
      return { open: (at) => page.open(at), destroy: () => page.destroy(), state: () => page.state() };
    },
    shard(k, items) { (waiting.get(k) || (() => {}))(items); },
  };
})();

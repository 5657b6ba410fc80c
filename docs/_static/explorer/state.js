"use strict";
/* What a picture is made of, and the address that says the same: a link shows exactly what was seen. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  /** Points of a line: [x, y]; of two classes: [x, y, class]. */
  const LINE = [
    [-2.6, -1.5],
    [-2.2, -1],
    [-1.8, -1.25],
    [-1.3, -0.4],
    [-0.9, -0.55],
    [-0.4, 0.05],
    [0, -0.15],
    [0.5, 0.5],
    [0.9, 0.35],
    [1.3, 0.9],
    [1.7, 0.75],
    [2.1, 1.35],
    [2.6, 1.3],
    [2.4, -2.4],
  ];
  const BORDER = [
    [-2.2, -1.2, 0],
    [-1.6, -0.3, 0],
    [-1.9, 0.7, 0],
    [-1.1, -1.4, 0],
    [-0.8, 0.2, 0],
    [-0.5, -0.8, 0],
    [0.9, 0.3, 0],
    [-1.2, 1.2, 0],
    [0.1, -1.7, 0],
    [1.7, 1.1, 1],
    [1.2, 0.2, 1],
    [2.1, -0.2, 1],
    [0.7, 1.3, 1],
    [1.5, -1, 1],
    [-0.6, -0.2, 1],
    [-0.4, 1.4, 1],
    [2.3, 0.8, 1],
    [1, -0.7, 1],
  ];
  const RATE = 0.2,
    MOST_STEPS = 400;

  /**
   * All that a picture is made of: every other number on the page follows from it.
   * @typedef {{losses: Array<{name: string, given: Object<string, any>}>, view: "shape"|"data", at: Object<string, any>,
   *   data: "line"|"border", line: number[][], border: number[][], steps: number, rate: number}} State
   */
  /** @param {string[]} losses @returns {State} */
  const fresh = (losses = ["mean_squared_error", "mean_absolute_error", "huber"]) => ({
    losses: losses.map(site.picks.read).filter(Boolean),
    view: "shape",
    at: {},
    data: "line",
    line: LINE,
    border: BORDER,
    steps: 0,
    rate: RATE,
  });

  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const points = rows => rows.map(row => row.join(",")).join(";");

  /** The state as the part of an address after its #. @param {State} state */
  function written(state) {
    const parts = [`losses=${state.losses.map(site.picks.text).join(";")}`];
    if (state.view !== "shape") parts.push(`view=${state.view}`);
    for (const [key, own] of Object.entries(state.at)) {
      const rows = "x" in own ? [own.x, [own.along]] : [own.target, own.prediction].map(each => [].concat(each));
      parts.push(`at.${key}=${points(rows)}`);
    }
    if (state.data !== "line") parts.push(`data=${state.data}`);
    if (!same(state.line, LINE)) parts.push(`line=${points(state.line)}`);
    if (!same(state.border, BORDER)) parts.push(`border=${points(state.border)}`);
    if (state.steps) parts.push(`steps=${state.steps === Infinity ? "end" : state.steps}`);
    if (state.rate !== RATE) parts.push(`rate=${state.rate}`);
    return parts.map(part => encodeURI(part).replaceAll("#", "%23")).join("&");
  }

  function rowsOf(text, width) {
    const rows = text
      .split(";")
      .filter(Boolean)
      .map(row => row.split(",").map(Number));
    return rows.every(row => row.length === width && row.every(Number.isFinite)) ? rows : null;
  }

  function place(key, text) {
    const rows = text.split(";").map(row => row.split(",").map(Number));
    if (rows.length !== 2 || !rows.flat().every(Number.isFinite)) return null;
    const [first, second] = rows;
    if (key in site.scenes.KINDS) return { target: first[0], prediction: second[0] };
    if (key === "shares" || key === "scores")
      return first.length === 3 && second.length === 3 ? { target: first, prediction: second } : null;
    return { x: first, along: second[0] };
  }

  /** The state that an address tells; what it does not tell, or tells wrongly, is as at first. @param {string} address */
  function read(address) {
    const state = fresh(),
      told = /** @type {Object<string, string>} */ ({});
    for (const part of address.replace(/^#/, "").split("&")) {
      const split = part.indexOf("=");
      let value = "";
      try {
        value = decodeURIComponent(part.slice(split + 1));
      } catch {
        continue;
      }
      if (split > 0) told[part.slice(0, split)] = value;
    }
    if ("losses" in told) state.losses = told.losses.split(";").map(site.picks.read).filter(Boolean);
    if (told.view === "data") state.view = "data";
    if (told.data === "border") state.data = "border";
    state.line = (told.line && rowsOf(told.line, 2)) || state.line;
    state.border = (told.border && rowsOf(told.border, 3)) || state.border;
    const steps = told.steps === "end" ? Infinity : Math.round(Number(told.steps));
    if (steps > 0) state.steps = steps === Infinity ? steps : Math.min(steps, MOST_STEPS);
    if (Number(told.rate) > 0 && Number(told.rate) <= 1) state.rate = Number(told.rate);
    for (const [key, value] of Object.entries(told)) {
      const found = key.startsWith("at.") && place(key.slice(3), value);
      if (found) state.at[key.slice(3)] = found;
    }
    return state;
  }

  /** Whether an address tells a state. @param {string} address */
  const isOne = address => /^#?(.*&)?losses=/.test(address);

  site.state = { fresh, written, read, isOne, LINE, BORDER, MOST_STEPS };
}

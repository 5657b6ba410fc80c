"use strict";
/* Which picked losses share a picture, and what they are there: value, slope, minimum and start. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  const { clamp, evenly, least, leastNear } = site;
  /** Names of a kind of picture, its ranges, and where target and prediction lie at first. */
  const EDGE = 1e-9;
  const KINDS = {
    real: { target: [-3, 3, 1], prediction: [-4, 4, -1], step: 0.1 },
    amount: { target: [0.05, 6, 2], prediction: [0.02, 7, 3.5], step: 0.1 },
    logarithm: { target: [0, 6, 2], prediction: [-3, 3, 1.5], step: 0.1 },
    probability: { target: [0, 1, 1], prediction: [0.001, 0.999, 0.3], step: 0.01 },
    score: { target: [0, 1, 1], prediction: [-6, 6, -1], step: 0.1 },
    distance: { target: [0, 1, 0], prediction: [0, 3, 0.5], step: 0.05 },
  };
  const FLAT = { target: [1, 0, 0], shares: [0.3, 0.45, 0.25], scores: [-1, 1, 0] };

  /** Value and slope of a loss of one target and one prediction; of a class that is uncertain, their expectation. */
  function single(made, t, p) {
    const { scene } = made;
    const at = target => {
      const [value, slope] = scene.rows ? made.run([target], [p]) : made.run(target, p);
      return [value, Array.isArray(slope) ? slope[0] : slope];
    };
    if (!scene.signs) return at(t);
    if (t === 1 || t === 0) return at(t === 1 ? 1 : -1);
    const [own, other] = [at(1), at(-1)];
    return [t * own[0] + (1 - t) * other[0], t * own[1] + (1 - t) * other[1]];
  }

  /** Value and slopes of a loss of three classes; of an integer label that is uncertain, their expectation. */
  function classes(made, target, prediction) {
    const { scene } = made;
    const given = scene.logs ? prediction.map(Math.log) : prediction;
    const slopes = found => (scene.logs ? found.map((each, k) => each / prediction[k]) : found);
    if (!scene.index) {
      const [value, found] = made.run(target, given);
      return [value, slopes(found)];
    }
    let total = 0,
      sum = [0, 0, 0];
    target.forEach((share, label) => {
      if (!share) return;
      const [value, found] = made.run(label, given);
      total += share * value;
      sum = sum.map((each, k) => each + share * found[k]);
    });
    return [total, slopes(sum)];
  }

  /** All numbers of a loss of several inputs: each with its name, its range and its place among the inputs. */
  function numbersOf(made) {
    const found = [];
    made.scene.inputs.forEach((input, place) =>
      input.at.forEach((at, output) => {
        const name = input.row ? `${input.name}[${output}]` : input.name;
        found.push({ ...input, label: name, place, output, at });
      }),
    );
    return found;
  }

  /** Value and the slope of each number that is predicted. */
  function several(made, x) {
    const inputs = [];
    numbersOf(made).forEach((each, k) => {
      if (each.row) (inputs[each.place] = inputs[each.place] || [])[each.output] = x[k];
      else inputs[each.place] = each.signs ? (x[k] < 0 ? -1 : 1) : each.whole ? Math.round(x[k]) : x[k];
    });
    // What does not see a row takes single numbers; a row's loss takes arrays where an input has outputs.
    const [value, ...slopes] = made.run(...inputs);
    return [value, slopes];
  }

  /**
   * One picture: its losses, where target and prediction lie, the value and slope of a loss at a prediction, and what
   * changes of the state when something is moved.
   * @typedef {{key: string, kind: string, flat: boolean, losses: any[], target: any, x: any, dials: any[],
   *   at: (made: any, x: any) => any[], start: (made?: any) => any, move: (to: any) => object,
   *   moveTarget?: (to: any) => object, low?: number, high?: number, step?: number, reach?: number, label?: string,
   *   onAxis?: boolean, along?: number}} Panel
   */
  /** Picked losses that can be called, by the picture that they share. @returns {Panel[]} */
  function panels(state) {
    const all = state.losses.map((pick, order) => Object.assign(site.picks.ready(pick) || {}, { order }));
    const made = all.filter(each => each.facts);
    // A loss of plain numbers is one of amounts and of probabilities too.
    const kinds = new Set(made.map(each => each.scene.kind));
    const wider = kinds.has("amount") ? "amount" : kinds.has("probability") ? "probability" : "real";
    const groups = new Map();
    for (const each of made) {
      let key = each.scene.kind === "real" ? wider : each.scene.kind;
      if (key === "several") key = each.scene.inputs.map(input => input.name).join(".");
      groups.set(key, [...(groups.get(key) || []), each]);
    }
    return [...groups].map(([key, losses]) => panel(key, losses, state));
  }

  function panel(key, losses, state) {
    if (key in KINDS) return ofOne(key, losses, state);
    return key === "shares" || key === "scores" ? ofClasses(key, losses, state) : ofSeveral(key, losses, state);
  }

  function ofOne(key, losses, state) {
    const kind = KINDS[key],
      own = state.at[key] || {};
    const target = own.target ?? kind.target[2],
      prediction = own.prediction ?? kind.prediction[2];
    const move = (name, to) => {
      const [low, high] = kind[name];
      return { at: { ...state.at, [key]: { target, prediction, [name]: clamp(site.short(to), low, high) } } };
    };
    return {
      key,
      kind: key,
      flat: false,
      losses,
      low: kind.prediction[0],
      high: kind.prediction[1],
      step: kind.step,
      x: prediction,
      target,
      onAxis: key === "real" || key === "amount" || key === "probability",
      at: (made, x) => single(made, target, x),
      start: made =>
        key === "distance"
          ? NaN
          : losses.some(each => each.scene.kind === key)
            ? startOf(losses, key)
            : made.scene.start,
      move: to => move("prediction", to),
      moveTarget: to => move("target", to),
      dials: [
        {
          name: "target",
          value: target,
          low: kind.target[0],
          high: kind.target[1],
          step: kind.step,
          move: to => move("target", to),
        },
        {
          name: "prediction",
          value: prediction,
          low: kind.prediction[0],
          high: kind.prediction[1],
          step: kind.step,
          move: to => move("prediction", to),
        },
      ],
    };
  }

  /** Where an untrained model stands in this kind of picture. */
  const startOf = (losses, key) => losses.find(each => each.scene.kind === key).scene.start;

  function ofSeveral(key, losses, state) {
    const dials = numbersOf(losses[0]),
      own = state.at[key] || {};
    const x = dials.map((each, k) => own.x?.[k] ?? each.at);
    const first = dials.findIndex(each => each.predicted);
    const along = dials[own.along]?.predicted ? own.along : first;
    const put = (k, to) =>
      x.map((each, other) => (other === k ? clamp(site.short(to), dials[k].low, dials[k].high) : each));
    const moved = (k, to) => ({ at: { ...state.at, [key]: { x: put(k, to), along } } });
    const at = (made, number) => {
      const [value, slopes] = several(
        made,
        x.map((each, k) => (k === along ? number : each)),
      );
      const place = made.scene.inputs
        .filter(input => input.predicted)
        .findIndex(input => input.name === dials[along].name);
      const slope = slopes[place];
      return [value, Array.isArray(slope) ? slope[dials[along].output] : slope];
    };
    return {
      key,
      kind: "several",
      flat: false,
      losses,
      low: dials[along].low,
      high: dials[along].high,
      step: 0.1,
      x: x[along],
      target: null,
      onAxis: false,
      along,
      label: dials[along].label,
      at,
      start: () => dials[along].start ?? NaN,
      move: to => moved(along, to),
      dials: dials.map((each, k) => ({
        name: each.label,
        value: x[k],
        low: each.low,
        high: each.high,
        step: each.whole ? 1 : each.signs ? 2 : 0.05,
        move: to => moved(k, to),
        choose: each.predicted ? () => ({ at: { ...state.at, [key]: { x, along: k } } }) : null,
        chosen: k === along,
      })),
    };
  }

  const REACH = 4;

  function ofClasses(key, losses, state) {
    const own = state.at[key] || {},
      isShares = key === "shares";
    const target = own.target || FLAT.target,
      prediction = own.prediction || FLAT[key];
    const round = row => row.map(each => site.short(each));
    const moved = change => ({ at: { ...state.at, [key]: { target, prediction, ...change } } });
    const normal = (row, edge) => {
      const kept = row.map(each => clamp(each, edge, 1)),
        total = kept.reduce((a, b) => a + b);
      return kept.map(each => each / total);
    };
    const move = to =>
      moved({
        prediction: isShares
          ? round(normal(to, 0.001))
          : round(to.map((each, k) => (k === 2 ? 0 : clamp(each, -REACH, REACH)))),
      });
    const moveTarget = to => moved({ target: round(normal(to, 0)) });
    // What one share gains the others lose in proportion.
    const with_ = (row, k, to) => {
      const rest = 1 - row[k],
        left = 1 - to;
      return row.map((each, other) => (other === k ? to : rest > 1e-9 ? (each * left) / rest : left / 2));
    };
    const dials = [];
    for (const k of [0, 1, 2]) {
      dials.push({
        name: "target",
        number: k + 1,
        value: target[k],
        low: 0,
        high: 1,
        step: 0.05,
        move: to => moveTarget(with_(target, k, to)),
      });
    }
    for (const k of isShares ? [0, 1, 2] : [0, 1]) {
      dials.push(
        isShares
          ? {
              name: "prediction",
              number: k + 1,
              value: prediction[k],
              low: 0.001,
              high: 0.998,
              step: 0.01,
              move: to => move(with_(prediction, k, to)),
            }
          : {
              name: "score",
              number: k + 1,
              value: prediction[k],
              low: -REACH,
              high: REACH,
              step: 0.1,
              move: to => move(prediction.map((each, other) => (other === k ? to : each))),
            },
      );
    }
    return {
      key,
      kind: key,
      flat: true,
      losses,
      target,
      x: prediction,
      reach: REACH,
      dials,
      move,
      moveTarget,
      at: (made, x) => classes(made, target, x),
      start: () => (isShares ? [1 / 3, 1 / 3, 1 / 3] : [0, 0, 0]),
    };
  }

  /** The numbers of a loss in a picture, for its table. @param {Panel} panel */
  function numbers(panel, made) {
    const [value, slope] = panel.at(made, panel.x);
    const start = panel.start(made),
      began = Array.isArray(start) || Number.isFinite(start) ? panel.at(made, start)[0] : NaN;
    return { value, slope, best: panel.flat ? bestOfClasses(panel, made) : bestOfOne(panel, made), start, began };
  }

  /** The best prediction; a probability may be the best at 0 or 1 itself. */
  function bestOfOne(panel, made) {
    const f = x => panel.at(made, x)[0];
    if (panel.kind !== "probability") return least(f, panel.low, panel.high);
    const found = least(f, EDGE, 1 - EDGE);
    return found.edge
      ? { ...found, ...Object.fromEntries(["x", "from", "to"].map(end => [end, Math.round(found.x)])), edge: false }
      : found;
  }

  function bestOfClasses(panel, made) {
    const isShares = panel.kind === "shares",
      edge = 1e-9;
    const full = x => (isShares ? [x[0], x[1], 1 - x[0] - x[1]] : [x[0], x[1], 0]);
    const inside = x =>
      isShares ? x[0] >= edge && x[1] >= edge && x[0] + x[1] <= 1 - edge : Math.max(...x.map(Math.abs)) <= panel.reach;
    const value = x => panel.at(made, full(x))[0];
    const places = isShares ? evenly(0.001, 0.998, 25) : evenly(-panel.reach, panel.reach, 25);
    let best = null;
    for (const a of places)
      for (const b of places) {
        if (!inside([a, b])) continue;
        const found = value([a, b]);
        if (Number.isFinite(found) && (!best || found < best.value - 1e-12)) best = { x: [a, b], value: found };
      }
    if (!best) return { x: null, value: NaN, edge: false };
    const found = leastNear(value, best.x, 0.05, inside);
    const edged = !isShares && Math.max(...found.x.map(Math.abs)) > panel.reach - 1e-3;
    return { x: full(found.x), value: found.value, edge: edged };
  }

  site.scenes = { panels, numbers, single, classes, several, numbersOf, KINDS };
}

"use strict";
/* A line through points and a border between two classes, fitted under a loss with its own slopes. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  /** Losses that a line can be fitted under, and a border; where probabilities are asked for, with raw scores. */
  function under(pick, data) {
    const made = site.picks.ready(pick);
    if (!made) return null;
    if (data === "line") return made.scene.kind === "real" ? made : null;
    if (made.scene.kind === "score") return made;
    if (made.scene.kind !== "probability" || !made.facts.parameters.some(p => p.name === "from_logits")) return null;
    return site.picks.ready({ name: pick.name, given: { ...pick.given, from_logits: true } });
  }

  /**
   * The mean loss of a linear model and its gradient. Inputs are brought to mean 0 and deviation 1, so that one rate
   * does for all weights; ``plain`` gives the weights of the inputs as they are.
   */
  function problem(made, points, data) {
    const count = data === "line" ? 1 : 2,
      n = points.length;
    const means = [],
      sizes = [];
    for (let k = 0; k < count; k++) {
      const mean = points.reduce((sum, row) => sum + row[k], 0) / n;
      means.push(mean);
      sizes.push(Math.sqrt(points.reduce((sum, row) => sum + (row[k] - mean) ** 2, 0) / n) || 1);
    }
    const rows = points.map(row => [1, ...means.map((mean, k) => (row[k] - mean) / sizes[k])]);
    const targets = points.map(row => row[count]);
    const at = weights => {
      let total = 0;
      const gradient = weights.map(() => 0);
      rows.forEach((row, i) => {
        const score = row.reduce((sum, x, k) => sum + x * weights[k], 0);
        const [value, slope] = site.scenes.single(made, targets[i], score);
        total += value / n;
        row.forEach((x, k) => {
          gradient[k] += (slope * x) / n;
        });
      });
      return [total, gradient];
    };
    const plain = weights => {
      const own = means.map((_, k) => weights[k + 1] / sizes[k]);
      return [weights[0] - means.reduce((sum, mean, k) => sum + own[k] * mean, 0), ...own];
    };
    return { at, plain, start: new Array(count + 1).fill(0) };
  }

  /** Weights after so many steps of gradient descent, and on the way there. */
  function descend({ at, start }, steps, rate) {
    const path = [start];
    let weights = start;
    for (let k = 0; k < steps; k++) {
      const gradient = at(weights)[1];
      weights = weights.map((each, i) => each - rate * gradient[i]);
      if (!weights.every(Number.isFinite)) break;
      path.push(weights);
    }
    return path;
  }

  const dot = (a, b) => a.reduce((sum, each, k) => sum + each * b[k], 0);
  const moved = (x, way, by) => x.map((each, k) => each + by * way[k]);

  /** A step along a direction that lowers the loss enough and after which it falls less steeply (weak Wolfe). */
  function search(at, x, value, gradient, way) {
    const fall = dot(gradient, way);
    let low = 0,
      high = Infinity,
      by = 1;
    for (let k = 0; k < 60; k++) {
      const there = moved(x, way, by),
        [found, slopes] = at(there);
      if (!(found <= value + 1e-4 * by * fall)) high = by;
      else if (dot(slopes, way) < 0.9 * fall) low = by;
      else return { x: there, value: found, gradient: slopes };
      by = high === Infinity ? 2 * by : (low + high) / 2;
    }
    if (low === 0) return null;
    const there = moved(x, way, low),
      [found, slopes] = at(there);
    return { x: there, value: found, gradient: slopes };
  }

  /** Where the descent leads in the end: BFGS, which finds corners as well. */
  function settle({ at, start }) {
    const size = start.length,
      unit = () => start.map((_, i) => start.map((__, j) => (i === j ? 1 : 0)));
    let [value, gradient] = at(start),
      x = start,
      inverse = unit(),
      fresh = true;
    for (let k = 0; k < 300; k++) {
      if (Math.sqrt(dot(gradient, gradient)) < 1e-10) break;
      const way = inverse.map(row => -dot(row, gradient));
      const next = search(at, x, value, gradient, way);
      if (!next || !(next.value <= value) || Math.max(...next.x.map(Math.abs)) > 1e3) {
        if (fresh || (next && Math.max(...next.x.map(Math.abs)) > 1e3)) break;
        inverse = unit();
        fresh = true;
        continue;
      }
      const s = moved(next.x, x, -1),
        y = moved(next.gradient, gradient, -1),
        sy = dot(s, y);
      if (sy > 1e-300) {
        const hy = inverse.map(row => dot(row, y)),
          scale = (1 + dot(y, hy) / sy) / sy;
        for (let i = 0; i < size; i++)
          for (let j = 0; j < size; j++) {
            inverse[i][j] += scale * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy;
          }
      }
      ({ x, value, gradient } = next);
      fresh = false;
    }
    return polished(at, x, value);
  }

  /** At a corner that a search cannot leave, ever smaller steps in all directions can. */
  function polished(at, x, value) {
    const count = 16,
      ways = [];
    for (let k = 0; k < count; k++) {
      const turn = (2 * Math.PI * k) / count;
      if (x.length === 2) ways.push([Math.cos(turn), Math.sin(turn)]);
      else
        for (const tilt of [-0.6, 0, 0.6])
          ways.push([Math.cos(turn) * Math.cos(tilt), Math.sin(turn) * Math.cos(tilt), Math.sin(tilt)]);
    }
    for (let step = 0.1, rounds = 0; step > 1e-9 && rounds < 300; rounds++) {
      let best = null;
      for (const way of ways) {
        const there = moved(x, way, step),
          found = at(there)[0];
        if (found < value - 1e-14 && (!best || found < best.value)) best = { x: there, value: found };
      }
      if (best) ({ x, value } = best);
      else step /= 2;
    }
    return x;
  }

  const endings = new Map();

  /** Where a descent ends, found once for the same loss and points. @param {string} key */
  function ending(own, key) {
    if (!endings.has(key)) {
      if (endings.size > 50) endings.clear();
      endings.set(key, settle(own));
    }
    return endings.get(key);
  }

  /** The line or border of a loss in a state, and what is to be told of it; null where the loss does not fit one. */
  function fitted(state, pick) {
    const made = under(pick, state.data),
      points = state[state.data];
    if (!made || !points.length) return null;
    const own = problem(made, points, state.data),
      end = ending(own, JSON.stringify([pick, points]));
    const path = state.steps === Infinity ? [end] : descend(own, state.steps, state.rate);
    const weights = path[path.length - 1],
      plain = own.plain(weights);
    return {
      made,
      weights: plain,
      end: own.plain(end),
      mean: own.at(weights)[0],
      least: own.at(end)[0],
      wild:
        !(own.at(weights)[0] <= 10 * own.at(own.start)[0]) ||
        path.length <= (state.steps === Infinity ? 0 : state.steps),
      wrong: state.data === "border" ? points.filter(row => (score(plain, row) > 0 ? 1 : 0) !== row[2]).length : 0,
    };
  }

  const score = (weights, row) => weights.reduce((sum, weight, k) => sum + weight * (k ? row[k - 1] : 1), 0);

  site.fit = { under, problem, descend, settle, fitted, score };
}

"use strict";
/* The planes on which losses of three classes are shown, as numbers and as colours. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  const GRID = 64,
    BANDS = 16,
    ROOF = Math.sqrt(0.75);
  // Viridis from its bright end: little loss is light.
  const COLOURS = [
    "#fde725",
    "#c2df23",
    "#86d549",
    "#52c569",
    "#2ab07f",
    "#1e9b8a",
    "#25858e",
    "#2d708e",
    "#38588c",
    "#433e85",
    "#482173",
    "#440154",
  ].map(each => [1, 3, 5].map(k => parseInt(each.slice(k, k + 2), 16)));

  function colour(share) {
    const at = site.clamp(share, 0, 1) * (COLOURS.length - 1),
      low = Math.min(Math.floor(at), COLOURS.length - 2);
    return COLOURS[low].map((each, k) => Math.round(each + (COLOURS[low + 1][k] - each) * (at - low)));
  }

  /** The place of three classes in a picture of side 1, from its upper left corner, and back. */
  const flat = {
    shares: {
      to: ([a, b, c]) => [(a / 2 + c) / (a + b + c), (1 - a / (a + b + c)) * ROOF],
      from: ([x, y]) => {
        const a = 1 - y / ROOF,
          c = x - a / 2;
        return [a, 1 - a - c, c];
      },
      height: ROOF,
    },
    scores: reach => ({
      to: ([a, b]) => [(a / reach + 1) / 2, (1 - b / reach) / 2],
      from: ([x, y]) => [(2 * x - 1) * reach, (1 - 2 * y) * reach, 0],
      height: 1,
    }),
  };
  const planeOf = panel => (panel.kind === "shares" ? flat.shares : flat.scores(panel.reach));
  const kept = (panel, point) => (panel.kind === "shares" ? normal(point.map(each => Math.max(each, 1e-4))) : point);
  const normal = row => {
    const total = row.reduce((a, b) => a + b);
    return row.map(each => each / total);
  };

  /** Values over a grid, and where the range of their colours ends. */
  function field(panel, made) {
    const plane = planeOf(panel),
      values = new Float64Array((GRID + 1) ** 2),
      inside = [];
    for (let j = 0; j <= GRID; j++)
      for (let i = 0; i <= GRID; i++) {
        const point = plane.from([i / GRID, (j / GRID) * plane.height]);
        const value = panel.at(made, kept(panel, point))[0];
        values[j * (GRID + 1) + i] = value;
        if (Math.min(...point) >= -1e-9 || panel.kind !== "shares") inside.push(value);
      }
    const all = inside.filter(Number.isFinite),
      low = Math.min(...all),
      most = Math.max(...all);
    const cap = site.quantile(all, 0.97),
      high = most > low + 1.5 * (cap - low) ? cap : most;
    return { values, low, high: high > low ? high : low + 1, capped: most > high };
  }

  /** Paints bands of colour, whose edges are contours. */
  function paint(canvas, panel, { values, low, high }) {
    const { width, height } = canvas,
      context = canvas.getContext("2d"),
      image = context.createImageData(width, height),
      plane = planeOf(panel);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const u = ((x + 0.5) / width) * GRID,
          v = ((y + 0.5) / height) * GRID,
          i = Math.min(Math.floor(u), GRID - 1),
          j = Math.min(Math.floor(v), GRID - 1);
        const at = (a, b) => values[(j + b) * (GRID + 1) + i + a],
          p = u - i,
          q = v - j;
        const value = (at(0, 0) * (1 - p) + at(1, 0) * p) * (1 - q) + (at(0, 1) * (1 - p) + at(1, 1) * p) * q;
        const share = Math.floor(site.clamp((value - low) / (high - low), 0, 0.9999) * BANDS) / (BANDS - 1);
        const place = 4 * (y * width + x),
          [a, b, c] = plane.from([(x + 0.5) / width, ((y + 0.5) / height) * plane.height]);
        image.data.set([...colour(share), panel.kind === "shares" && Math.min(a, b, c) < 0 ? 0 : 255], place);
      }
    context.putImageData(image, 0, 0);
  }

  /** The way downhill in the picture, of unit length or less, or null. */
  function downhill(panel, made, point, whole) {
    const [, slope] = panel.at(made, kept(panel, point));
    if (!slope.every(Number.isFinite)) return null;
    const mean = slope.reduce((a, b) => a + b) / 3;
    const way =
      panel.kind === "shares" ? slope.map(each => mean - each) : slope.map((each, k) => (k === 2 ? 0 : -each));
    const x = panel.kind === "shares" ? way[0] / 2 + way[2] : way[0],
      y = panel.kind === "shares" ? -way[0] * ROOF : -way[1];
    const size = Math.hypot(x, y);
    return size > 1e-9 ? { x: x / size, y: y / size, size: whole ? Math.tanh(size / whole) : 1, steep: size } : null;
  }

  const arrow = (x, y, way, length) => {
    const [dx, dy] = [way.x * length, way.y * length],
      [ex, ey] = [x + dx / 2, y + dy / 2],
      head = Math.min(5, length / 2.2);
    const wing = side =>
      `L${(ex - way.x * head + side * way.y * head * 0.7).toFixed(1)} ${(ey - way.y * head - side * way.x * head * 0.7).toFixed(1)}`;
    return `M${(x - dx / 2).toFixed(1)} ${(y - dy / 2).toFixed(1)}L${ex.toFixed(1)} ${ey.toFixed(1)}${wing(1)}M${ex.toFixed(1)} ${ey.toFixed(1)}${wing(-1)}`;
  };

  site.planes = { COLOURS, ROOF, flat, planeOf, kept, field, paint, downhill, arrow };
}

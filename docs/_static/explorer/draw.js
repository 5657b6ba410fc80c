"use strict";
/* Elements, plots with axes, and handles that are dragged by mouse, finger and keys. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  const NAMESPACE = "http://www.w3.org/2000/svg";

  function filled(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name in { value: 1, checked: 1, disabled: 1 } && !(made instanceof SVGElement)) made[name] = value;
      else made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.flat(Infinity).filter(each => each !== null && each !== undefined));
    return made;
  }

  /** An element of a page. */
  const el = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);
  /** An element of a drawing. */
  const svg = (tag, attributes, ...children) => filled(document.createElementNS(NAMESPACE, tag), attributes, children);

  /** A line through places on the page; a gap where one of them is null. @param {Array<[number, number]|null>} places */
  function path(places) {
    let text = "",
      begun = false;
    for (const place of places) {
      if (place) text += `${begun ? "L" : "M"}${place[0].toFixed(1)} ${place[1].toFixed(1)}`;
      begun = Boolean(place);
    }
    return text;
  }

  /** A plot's scales: from numbers to places on the page and back. */
  function scales({ x, y, left, top, width, height }) {
    return {
      left,
      top,
      width,
      height,
      x,
      y,
      toX: number => left + ((number - x[0]) / (x[1] - x[0])) * width,
      toY: number => top + height - ((number - y[0]) / (y[1] - y[0])) * height,
      fromX: place => x[0] + ((place - left) / width) * (x[1] - x[0]),
      fromY: place => y[0] + ((top + height - place) / height) * (y[1] - y[0]),
    };
  }

  /** Grid, numbers and names of the axes. */
  function axes(scale, { xName, xNumbers = true }) {
    const { left, top, width, height, toX, toY } = scale,
      group = svg("g", { class: "axes", "aria-hidden": "true" });
    for (const at of site.ticks(...scale.x, Math.max(4, width / 80))) {
      group.append(
        svg("line", { x1: toX(at), x2: toX(at), y1: top, y2: top + height, class: at === 0 ? "zero" : "grid" }),
      );
      if (xNumbers)
        group.append(svg("text", { x: toX(at), y: top + height + 17, "text-anchor": "middle" }, site.shown(at)));
    }
    for (const at of site.ticks(...scale.y, Math.max(3, height / 45))) {
      group.append(
        svg("line", { x1: left, x2: left + width, y1: toY(at), y2: toY(at), class: at === 0 ? "zero" : "grid" }),
      );
      group.append(svg("text", { x: left - 7, y: toY(at) + 4, "text-anchor": "end" }, site.shown(at)));
    }
    if (xName)
      group.append(
        svg("text", { x: left + width / 2, y: top + height + 36, "text-anchor": "middle", class: "name" }, xName),
      );
    return group;
  }

  /** How far a key moves something: [right, up] in steps, or an end. */
  function pressed(event) {
    const far = event.shiftKey ? 10 : 1;
    const ways = {
      ArrowLeft: [-far, 0],
      ArrowRight: [far, 0],
      ArrowUp: [0, far],
      ArrowDown: [0, -far],
      PageUp: [0, 10],
      PageDown: [0, -10],
      Home: "low",
      End: "high",
    };
    return ways[event.key] || null;
  }

  /** Follows a pointer from where it goes down; ``drag`` gets places in the drawing. */
  function follow(element, drawing, drag) {
    element.addEventListener("pointerdown", event => {
      if (event.button) return;
      event.preventDefault();
      event.stopPropagation();
      if (element.focus && element.hasAttribute("tabindex")) element.focus({ preventScroll: true });
      const box = drawing.getBoundingClientRect();
      const move = moved => drag(moved.clientX - box.left, moved.clientY - box.top, moved.type);
      const end = () => {
        element.removeEventListener("pointermove", move);
        element.classList.remove("held");
      };
      element.setPointerCapture(event.pointerId);
      element.classList.add("held");
      element.addEventListener("pointermove", move);
      element.addEventListener("pointerup", end, { once: true });
      element.addEventListener("pointercancel", end, { once: true });
      move(event);
    });
  }

  /**
   * Something that can be dragged and moved by keys.
   * @param {SVGElement} drawing
   * @param {{shape: SVGElement, className?: string, drag: (x: number, y: number, type: string) => void,
   *   key: (way: number[]|"low"|"high") => void, other?: (event: KeyboardEvent) => boolean}} given
   */
  function handle(drawing, { shape, className, drag, key, other }) {
    const group = svg(
      "g",
      { class: `handle ${className || ""}`, tabindex: 0, role: "slider" },
      svg("circle", { r: 18, class: "reach" }),
      svg("circle", { r: 12, class: "ring" }),
      shape,
    );
    follow(group, drawing, drag);
    group.addEventListener("keydown", event => {
      const way = pressed(event);
      if (way) key(way);
      else if (!other || !other(event)) return;
      event.preventDefault();
    });
    return group;
  }

  /** Puts a handle at a place and says what it stands for. */
  function put(group, x, y, { label, now, low, high, text }) {
    group.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    group.setAttribute("aria-label", label);
    group.setAttribute("aria-valuenow", String(now));
    group.setAttribute("aria-valuemin", String(low));
    group.setAttribute("aria-valuemax", String(high));
    group.setAttribute("aria-valuetext", text);
  }

  const SHAPES = {
    prediction: () => svg("circle", { r: 8, class: "mark" }),
    target: () =>
      svg("path", { d: "M0-10 2.9-3.2 10-2.7 4.6 2 6.3 9.2 0 5.3-6.3 9.2-4.6 2-10-2.7-2.9-3.2Z", class: "mark" }),
  };

  /** A long name that may be broken where its parts end. @param {string} name */
  const parted = name =>
    name.split(/(?<=[_.(,])/).flatMap((part, k) => (k ? [document.createElement("wbr"), part] : [part]));

  /** A row of a table, whose first cell names it. */
  const row = (head, cells) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, head),
      cells.map(cell => el("td", {}, cell)),
    );

  /** A table that is read out as well. */
  const table = (caption, titles, rows) =>
    el(
      "div",
      { class: "scroll" },
      el(
        "table",
        { class: "numbers" },
        el("caption", {}, caption),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            titles.map(title => el("th", { scope: "col" }, title)),
          ),
        ),
        el("tbody", {}, rows),
      ),
    );

  /** The colour of a picked loss, as a small square before its name. */
  const swatch = order => el("span", { class: `swatch pick-${order % 7}`, "aria-hidden": "true" });

  Object.assign(site, {
    el,
    svg,
    path,
    scales,
    axes,
    follow,
    handle,
    put,
    pressed,
    SHAPES,
    parted,
    row,
    table,
    swatch,
  });
}

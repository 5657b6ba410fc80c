"use strict";
/* Numbers that are dragged or typed. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  const { say, el, shown, clamp } = site;
  let count = 0;

  /** A number as a field takes it, in few characters. */
  function typed(x) {
    const text = String(Number(x.toPrecision(6)));
    return x !== 0 && Math.abs(x) < 1e-3 ? String(Number(x.toPrecision(3)).toExponential()) : text;
  }

  /**
   * A slider beside a field; ``choose`` makes it the one along which a picture is drawn.
   * @param {() => {title: string, value: number, low: number, high: number, step?: number, logarithmic?: boolean,
   *   chosen?: boolean}} get
   * @param {(value: number) => void} set
   */
  function dial(get, set, choose, group) {
    const id = `dial-${count++}`,
      first = get(),
      log = first.logarithmic;
    const to = value => (log ? Math.log10(Math.max(value, first.low)) : value),
      from = place => (log ? Number((10 ** place).toPrecision(2)) : place);
    const range = el("input", {
      type: "range",
      id,
      min: to(first.low),
      max: to(first.high),
      step: log ? 0.05 : first.step || "any",
      oninput: () => set(from(Number(range.value))),
    });
    const field = el("input", {
      type: "number",
      step: "any",
      "aria-label": first.title,
      onchange: () => {
        if (field.value !== "") set(Number(field.value));
        made.update();
      },
    });
    const radio =
      choose &&
      el("input", {
        type: "radio",
        name: `along-${group}`,
        "aria-label": say("Draw along {}", first.title),
        onchange: choose,
      });
    const made = el("div", { class: "dial" }, radio, el("label", { for: id }, site.parted(first.title)), range, field);
    made.update = () => {
      const now = get();
      range.value = to(clamp(now.value, now.low, now.high));
      range.setAttribute("aria-valuetext", shown(now.value));
      if (document.activeElement !== field) field.value = typed(now.value);
      if (radio) radio.checked = now.chosen;
    };
    return made;
  }

  site.dial = dial;
}

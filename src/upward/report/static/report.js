"use strict";
(() => {
  // theme: as the system, until the reader chooses; storage may be forbidden for a local file
  const root = document.documentElement;
  const key = "upward-theme";
  const recall = () => { try { return localStorage.getItem(key); } catch { return null; } };
  const keep = (value) => { try { localStorage.setItem(key, value); } catch { /* not kept */ } };
  const set = (value) => { if (value === "dark" || value === "light") root.dataset.theme = value; };
  set(recall());
  document.getElementById("theme").addEventListener("click", () => {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const next = (root.dataset.theme || system) === "dark" ? "light" : "dark";
    set(next);
    keep(next);
  });

  // the table of what was not accepted: show one decision only
  const buttons = [...document.querySelectorAll("[data-show]")];
  const rows = [...document.querySelectorAll("tr[data-decision]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const wanted = button.dataset.show;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      for (const row of rows) row.hidden = wanted !== "" && row.dataset.decision !== wanted;
    });
  }

  // words beside the pointer: always as text, never as markup
  const tip = document.getElementById("tip");
  const hide = () => {
    tip.classList.remove("on");
    for (const svg of document.querySelectorAll("svg.on")) svg.classList.remove("on");
  };
  const show = (words, x, y) => {
    tip.textContent = words;
    const left = Math.max(8, Math.min(x + 14, root.clientWidth - tip.offsetWidth - 8));
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${y + scrollY + 16}px`;
    tip.classList.add("on");
  };
  for (const chart of document.querySelectorAll("[data-tips]")) {
    const words = JSON.parse(chart.dataset.tips);
    for (const svg of chart.querySelectorAll("svg[data-points]")) {
      const points = JSON.parse(svg.dataset.points);
      const ring = svg.querySelector(".ring");
      svg.addEventListener("pointermove", (event) => {
        const box = svg.getBoundingClientRect();
        const scale = svg.viewBox.baseVal.width / box.width;
        const x = (event.clientX - box.left) * scale;
        const y = (event.clientY - box.top) * scale;
        let best = -1;
        let least = 22 * 22;
        points.forEach(([px, py], i) => {
          const far = (px - x) ** 2 + (py - y) ** 2;
          if (far < least) { least = far; best = i; }
        });
        if (best < 0) { hide(); return; }
        ring.setAttribute("cx", points[best][0]);
        ring.setAttribute("cy", points[best][1]);
        svg.classList.add("on");
        show(words[best], event.clientX, event.clientY);
      });
      svg.addEventListener("pointerleave", hide);
    }
  }
  for (const title of document.querySelectorAll("svg title")) {
    const owner = title.parentNode;
    const words = title.textContent;
    title.remove();
    owner.setAttribute("aria-label", words);
    owner.addEventListener("pointermove", (event) => show(words, event.clientX, event.clientY));
    owner.addEventListener("pointerleave", hide);
  }

  // on paper everything is open
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
})();

"""The best-so-far curve and the lineage."""

from upward.report import chart, curve, tree
from upward.report.markup import Html, el
from upward.report.text import count
from upward.report.view import View, section


def progress(view: View) -> Html:
    """Return the curve with its legend and what is not drawn."""
    found = curve.curve(view.state, view.figures)
    low, high = curve.domain(found)
    outside = [
        f"{name} {view.figures.unit(value)}"
        for name, value in found.references.items()
        if not low <= value <= high
    ]
    notes = list[Html]()
    if outside:
        notes.append(el("p", f"Outside of the plot: {', '.join(outside)}.", cls="note"))
    if found.left_out:
        words = (
            f"{count(found.left_out, 'older trial')} not drawn as marks; the lines are complete."
        )
        notes.append(el("p", words, cls="note"))
    return section(
        "progress",
        "Best so far",
        chart.draw(found, view.figures),
        *notes,
        intro="Steps are drawn at the value that was known when they were made; the headline uses "
        "all fresh trials since.",
    )


def lineage(view: View) -> Html:
    """Return the tree of what was kept."""
    return section(
        "lineage",
        "Lineage of what was kept",
        tree.draw(view.state, view.figures),
        intro="Every candidate changes its parent. Filled circles are verified, diamonds "
        "provisional, small rings were parents once but lost later; the thick line leads from the "
        "baseline to the incumbent.",
    )

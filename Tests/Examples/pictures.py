"""Draws the pictures of the documentation from real runs, of the scenarios that its pages show.

    pictures.py WORKBENCH [FOLDER]

Writes SVG files into FOLDER, the guide's Resources without one; the same program draws the same bytes.
"""
import pathlib, subprocess, sys, tempfile

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import pages

RESOURCES = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else pages.GUIDE / "Resources"
BLUE, ORANGE, GREEN, RED, GREY = "#2563eb", "#d97706", "#059669", "#dc2626", "#6b7280"
plt.rcParams.update({"svg.hashsalt": "workbench", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10, "axes.spines.top": False,
                     "axes.spines.right": False, "axes.edgecolor": GREY, "figure.facecolor": "white", "axes.titlesize": 10, "axes.titlelocation": "left"})


def document(page, name):
    return next(block.text for block in pages.blocks(pages.GUIDE / page) if block.file == name)


def run(folder, text, name, *changes):
    (folder / "scenario.yaml").write_text(text)
    words = [word for change in changes for word in ("--set", change)]
    subprocess.run([sys.argv[1], "run", folder / "scenario.yaml", "--out", folder / name, "--quiet", *words], check=True)
    return folder / name


def requests(run):
    frame = pd.read_csv(run / "telemetry/requests.csv")
    frame["arrived_at"] = pd.to_datetime(frame["arrived_at"], format="ISO8601")
    return frame


def save(figure, name):
    figure.tight_layout()
    figure.savefig(RESOURCES / name, metadata={"Date": None})
    plt.close(figure)
    # No spaces at the ends of lines, which Git complains of.
    path = RESOURCES / name
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
    print(f"{path}: written.")


def arrivals(folder):
    text = document("ArrivalProcesses.md", "arrivals.yaml")
    path = "models.chat.load.arrivals="
    kinds = [("Poisson", None), ("gamma, cv 2", path + "{ gamma: { rate: 2/s, cv: 2 } }"),
             ("Markov-modulated", path + "{ markovModulated: { states: [ { rate: 1/s, mean: 90s }, { rate: 5/s, mean: 30s } ] } }")]
    figure, axes = plt.subplots(len(kinds), 1, figsize=(8, 4.6), sharex=True, sharey=True)
    for axis, (name, change) in zip(axes, kinds):
        frame = requests(run(folder, text, name.split(",")[0], *([change] if change else [])))
        seconds = (frame["arrived_at"] - frame["arrived_at"].dt.floor("h").min()).dt.total_seconds()
        counts, edges = np.histogram(seconds, bins=360, range=(0, 3600))
        axis.bar(edges[:-1] / 60, counts, width=1 / 6, align="edge", color=BLUE)
        axis.set_title(f"{name}: index of dispersion {counts.var(ddof=1) / counts.mean():.2f}")
        axis.set_ylabel("requests in 10 s")
    axes[-1].set_xlabel("minutes")
    save(figure, "arrivals.svg")


def policies(folder):
    text = document("PoliciesCompared.md", "morning.yaml")
    path = "models.chat.deployments.V1.scaling.policy="
    kinds = [("concurrency", None, BLUE), ("targetUtilisation", path + "{ targetUtilisation: { target: 0.6 } }", ORANGE),
             ("scheduled", path + "{ scheduled: { weekly: [ { window: Mon-Fri 07:00-12:00, minReplicas: 4 } ] } }", GREEN),
             ("predictive", path + "{ predictive: { season: 2h, lead: 10min } }", RED)]
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 5.2), sharex=True)
    for name, change, colour in kinds:
        made = run(folder, text, name, *([change] if change else []))
        replicas = pd.read_csv(made / "telemetry/replicas.csv")
        at = pd.to_datetime(replicas["at"], format="ISO8601")
        count = replicas[["starting", "ready", "draining"]].sum(axis=1)
        hours = at.dt.hour + at.dt.minute / 60 + at.dt.second / 3600
        bottom.step([*hours, 12], [*count, count.iloc[-1]], where="post", color=colour, label=name, linewidth=1.3)
        if name == "concurrency":
            frame = requests(made)
            events = pd.concat([pd.Series(1, frame["arrived_at"]), pd.Series(-1, frame["arrived_at"] + pd.to_timedelta(frame["latency_us"], "us"))]).sort_index()
            demand = events.cumsum().resample("1min").mean()
            demand = demand[demand.index < frame["arrived_at"].max().ceil("h")]
            top.plot(demand.index.hour + demand.index.minute / 60, demand, color=GREY, linewidth=1.3)
    top.set_title("Demand under concurrency: requests waiting or in service")
    bottom.set_title("Replicas: starting, ready and draining")
    bottom.set_xlabel("hour of the morning")
    bottom.legend(frameon=False, ncols=4, loc="upper left", fontsize=9)
    bottom.set_ylim(0, 12.5)
    save(figure, "policies.svg")


def concepts(folder):
    text = document("Concepts.md", "desk.yaml")
    # Latency over load.
    scales = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 1.9, 2]
    rows = []
    for scale in scales:
        frame = requests(run(folder, text, f"load-{scale}", f"models.desk.load.scale={scale}"))
        latency = frame["latency_us"] / 1e6
        rows.append((len(frame) / 7200, latency.mean(), *latency.quantile([0.5, 0.95])))
    rows = np.array(rows)
    figure, axis = plt.subplots(figsize=(8, 3.4))
    for column, name, colour in ((3, "p95", RED), (1, "mean", ORANGE), (2, "p50", BLUE)):
        axis.plot(rows[:, 0], rows[:, column], marker="o", markersize=4, color=colour, label=name)
    axis.set_xlabel("requests a second")
    axis.set_title("Latency, seconds, of two replicas of four slots")
    axis.legend(frameon=False)
    axis.set_ylim(0)
    save(figure, "load.svg")
    # The distribution of one run.
    latency = requests(folder / "load-1.5")["latency_us"] / 1e6
    figure, axis = plt.subplots(figsize=(8, 3.2))
    axis.hist(latency, bins=np.arange(0, latency.quantile(0.999), 0.1), color="#bfdbfe")
    heights = axis.get_ylim()[1]
    for place, (value, name, colour) in enumerate([(latency.median(), "p50", BLUE), (latency.mean(), "mean", ORANGE), (latency.quantile(0.95), "p95", RED), (latency.quantile(0.99), "p99", RED)]):
        axis.axvline(value, color=colour, linewidth=1.3)
        axis.text(value + 0.05, heights * (0.95 - 0.09 * (place % 2)), f"{name} {value:.2f} s", color=colour, fontsize=9)
    axis.set_xlabel("latency, seconds")
    axis.set_title("Requests of two hours by their latency")
    save(figure, "latency.svg")
    # The life of requests on the replicas of one busy minute.
    frame = requests(folder / "load-1.75")
    begin = frame["arrived_at"].min() + pd.Timedelta("40min")
    chosen = frame[(frame["arrived_at"] >= begin) & (frame["arrived_at"] < begin + pd.Timedelta("20s"))]
    figure, axis = plt.subplots(figsize=(8, 4.2))
    for row, (_, one) in enumerate(chosen.iterrows()):
        at = (one["arrived_at"] - begin).total_seconds()
        waiting, first, end = (one[name] / 1e6 for name in ("waiting_us", "ttft_us", "latency_us"))
        waiting = 0 if np.isnan(waiting) else waiting
        for left, right, colour in ((0, waiting, RED), (waiting, first, ORANGE), (first, end, BLUE)):
            axis.barh(row, right - left, left=at + left, color=colour, height=0.7)
    for name, colour in (("waits for a slot", RED), ("reads its prompt, until the first token", ORANGE), ("makes its answer", BLUE)):
        axis.barh(0, 0, color=colour, label=name)
    axis.legend(frameon=False, loc="upper right", fontsize=9)
    axis.set_xlabel("seconds")
    axis.set_yticks([])
    axis.invert_yaxis()
    axis.set_title("Twenty seconds of arrivals: each line is a request, from its arrival to its end")
    save(figure, "requests.svg")


if __name__ == "__main__":
    sys.argv[1] = str(pathlib.Path(sys.argv[1]).resolve())
    for draw in (arrivals, policies, concepts):
        with tempfile.TemporaryDirectory() as folder:
            draw(pathlib.Path(folder))

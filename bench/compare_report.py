"""Reads fio's results of compare.sh: prints a table, and writes JSON where a file is named. Of several rounds the median counts."""
import json
import os
import platform
import statistics
import sys

folder, rounds, output = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def result(rw, depth, name):
    iops, p50 = [], []
    for number in range(1, rounds + 1):
        with open(os.path.join(folder, f"{rw}.{depth}.{number}.{name}"), encoding="utf-8") as file:
            text = file.read()
        side = json.loads(text[text.index("{"):])["jobs"][0]["read" if rw == "randread" else "write"]
        iops.append(side["iops"])
        p50.append(side["lat_ns"]["percentile"]["50.000000"] / 1000)
    return round(statistics.median(iops), 1), round(statistics.median(p50), 1)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())


rows = []
for rw in ("randread", "randwrite"):
    for depth in (1, 8, 32, 64):
        ours, ours_p50 = result(rw, depth, "pcieoe")
        theirs, theirs_p50 = result(rw, depth, "nbdkit")
        rows.append({"rw": rw, "qd": depth, "pcieoe_iops": ours, "nbdkit_iops": theirs, "ratio": round(ours / theirs, 3),
                     "pcieoe_p50_us": ours_p50, "nbdkit_p50_us": theirs_p50})

machine = {"processor": processor(), "processors": os.cpu_count(), "kernel": platform.release(), "load_average": round(os.getloadavg()[0], 1)}
print(f"{machine['processors']} x {machine['processor']}, Linux {machine['kernel']}, load average {machine['load_average']}; 4 KiB, veth at MTU 9000\n")
print("| workload | depth | PcieOe, IOPS | nbdkit by TCP, IOPS | ratio | PcieOe, median us | nbdkit, median us |")
print("|---|---:|---:|---:|---:|---:|---:|")
for row in rows:
    print(f"| {row['rw']} | {row['qd']} | {row['pcieoe_iops']:.0f} | {row['nbdkit_iops']:.0f} | {row['ratio']:.2f} | {row['pcieoe_p50_us']:.0f} | {row['nbdkit_p50_us']:.0f} |")
if output:
    with open(output, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "rows": rows}, file, indent=2)

using System.CommandLine;
using PcieOe.Cli.Impair;
using PcieOe.Cli.Reports;
using PcieOe.Transport.Ports.Impairment;
using Spectre.Console;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe impair IF1 IF2</c>: a bad cable between two interfaces.</summary>
internal static class ImpairCommand
{
    internal static Command Create()
    {
        Argument<string> first = new("IF1") { Description = "One interface; it must be up, and needs no address." };
        Argument<string> second = new("IF2") { Description = "The other." };
        Option<double> loss = CommonOptions.Number("--loss", "Frames lost, in percent.", "PERCENT", 100);
        Option<int> lossBurst = CommonOptions.Integer("--loss-burst", "So many more are lost after each lost frame", 0, 0, 100_000);
        Option<double> duplicate = CommonOptions.Number("--duplicate", "Frames sent twice, in percent.", "PERCENT", 100);
        Option<double> reorder = CommonOptions.Number("--reorder", "Frames that later ones overtake, in percent.", "PERCENT", 100);
        Option<int> reorderFrames = CommonOptions.Integer("--reorder-frames", "By how many at most", 8, 1, 4096);
        Option<double> corrupt = CommonOptions.Number("--corrupt", "Frames damaged, in percent.", "PERCENT", 100);
        Option<CorruptionKind> corruption = new("--corruption")
        {
            Description = "How: only as CRC-32C is certain to detect (1 to 3 bits, or a burst of 32), or anyhow.",
            DefaultValueFactory = _ => CorruptionKind.DetectedByCrc32C,
        };
        Option<int> delay = CommonOptions.Integer("--delay", "Microseconds that each frame takes longer", 0, 0, 10_000_000);
        Option<int> jitter = CommonOptions.Integer("--jitter", "Up to so many microseconds more, for each frame anew", 0, 0, 10_000_000);
        Option<double> rate = CommonOptions.Number("--rate", "Megabits a second that the line carries each way (0: no limit).", "MBITS", 1e6);
        Option<int> cutEvery = CommonOptions.Integer("--cut-every", "Milliseconds from one cut of the line to the next; 0 for none", 0, 0, 3_600_000);
        Option<int> cutFor = CommonOptions.Integer("--cut-for", "Milliseconds that each cut lasts", 0, 0, 3_600_000);
        Option<int> seed = CommonOptions.Integer("--seed", "The same seed gives the same sequence of mishaps", 1, 0, int.MaxValue);
        Option<double> seconds = CommonOptions.Number("--seconds", "Ends after this time; otherwise with Ctrl-C.", "SECONDS", 1e6);
        Option<FileInfo?> json = CommonOptions.Json();
        TaughtCommand command = new("impair", "Joins two interfaces by a bad cable: it loses, delays, duplicates, reorders, damages frames, or is cut.", """
            Frames of every kind pass in both directions, and suffer alike in both. The ends belong into namespaces, or onto boxes, of
            their own: a frame must have no other way. Where they carry TCP, switch segmentation off there (ethtool -K IF tso off gso off).
            At the end it says what it did.

            Examples:
              pcieoe impair veth1 veth2 --loss 1 --reorder 0.5 --delay 100 --seed 7
              pcieoe impair veth1 veth2 --cut-every 10000 --cut-for 5000 --seconds 60 --json impair.json
            """)
        {
            first, second, loss, lossBurst, duplicate, reorder, reorderFrames, corrupt, corruption, delay, jitter, rate, cutEvery, cutFor, seed, seconds, json,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() =>
        {
            ImpairmentOptions options = new()
            {
                Seed = (ulong)parsed.GetValue(seed),
                LossProbability = parsed.GetValue(loss) / 100,
                LossBurstFrames = parsed.GetValue(lossBurst),
                DuplicationProbability = parsed.GetValue(duplicate) / 100,
                ReorderingProbability = parsed.GetValue(reorder) / 100,
                ReorderingFrames = parsed.GetValue(reorderFrames),
                CorruptionProbability = parsed.GetValue(corrupt) / 100,
                Corruption = parsed.GetValue(corruption),
                DelayMicroseconds = parsed.GetValue(delay),
                JitterMicroseconds = parsed.GetValue(jitter),
                BitsPerSecond = parsed.GetValue(rate) * 1e6,
                CutEveryMilliseconds = parsed.GetValue(cutEvery),
                CutForMilliseconds = parsed.GetValue(cutFor),
            };
            using ImpairmentRelay relay = new(parsed.GetValue(first)!, parsed.GetValue(second)!, options);
            ReportConsole.CreateForProgress().MarkupLineInterpolated($"relaying between {relay.FirstName} and {relay.SecondName}; Ctrl-C ends it");
            relay.Run(parsed.GetValue(seconds) is > 0 and var limit ? TimeSpan.FromSeconds(limit) : Timeout.InfiniteTimeSpan, cancellation);
            ImpairmentReport report = relay.Report();
            report.Print();
            if (parsed.GetValue(json) is { } file)
            {
                report.Save(file.FullName);
            }

            return ExitCode.Success;
        }));
        return command;
    }
}
